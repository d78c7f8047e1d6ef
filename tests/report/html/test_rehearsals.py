"""The rehearsals on the page: a time line for each case, and the commands that bring the rest."""

import pytest

from harness.judging.judge import judge
from harness.report.html.page import render
from harness.report.html.rehearsals import rehearsals_of
from harness.report.next_commands import NextCommands
from harness.report.terminal.summary import rehearsed as told
from tests.judging.build import healthy
from tests.judging.families.rehearsal.played import BROUGHT, outage, rehearsed, requeue

EVIDENCE = rehearsed(outage(**BROUGHT), requeue())


def test_each_case_has_its_time_line():
    found = rehearsals_of(EVIDENCE, judge(EVIDENCE))
    lanes = [lane.name for view in found.cases for lane in view.lanes]
    assert lanes == [
        "outage: refuse at the middle: the training went on, not held up, the rest came by wandb sync",
        "the server refused connections: from 3.0 s to 6.0 s",
        "requeue: the second start continued the run: 10 of 10 rows, none twice",
        "SIGTERM, SIGKILL ended the job, and the next start: from 3.0 s to 6.0 s",
    ]
    assert found.cases[0].commands == ("wandb sync a",)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("kill", "SIGKILL ended the job, and the next start"),
        ("usr1", "USR1, SIGTERM, SIGKILL ended the job, and the next start"),
        ("slurm", "scontrol requeue, and the next start"),
    ],
)
def test_what_ended_the_job_is_told(how, words):
    evidence = rehearsed(requeue(how=how))
    lanes = rehearsals_of(evidence, judge(evidence)).cases[0].lanes
    assert lanes[1].name == f"{words}: from 3.0 s to 6.0 s"


def test_the_page_shows_them_only_where_there_are_any():
    again = NextCommands()
    assert "What was rehearsed" in render(EVIDENCE, judge(EVIDENCE), {}, again)
    assert "What was rehearsed" not in render(healthy(), judge(healthy()), {}, again)


def test_the_terminal_has_a_line_for_each_case():
    lines = told(judge(EVIDENCE), 200)
    assert [line.partition(": ")[0] for line in lines] == ["outage", "requeue"]
