"""What pytest shows of a check that did not pass: short on the terminal, whole in JUnit's file."""

import io

from _pytest._io import TerminalWriter

from harness.judging.verdict import Finding
from harness.report.terminal.failures import failure, not_checked

CAUSE = Finding(
    id="dup", severity="error", title="Every rank made its own run", observed=("8 runs",),
    advice=("Let rank 0 alone log:\n  if rank == 0: wandb.init(project='a very long name', config={'x': 1, 'y': 2})",),
    guide_section="Duplicates", links=("https://docs.wandb.ai/x",),
)  # fmt: skip
WHERE = ("checks/test_3_run.py", 12)


def shown(told, width=40):
    file = io.StringIO()
    tw = TerminalWriter(file)
    tw.fullwidth = width
    told.toterminal(tw)
    return file.getvalue().splitlines()


def test_the_terminal_names_the_cause_and_leaves_the_cure_to_the_summary():
    told = failure(WHERE, "Exactly one run exists, however many ranks there are.", "8 runs", CAUSE, quiet=False)
    assert shown(told) == [
        "expected  Exactly one run exists,",
        "          however many ranks there are.",
        "observed  8 runs",
        "cause     dup: Every rank made its own",
        "          run",
    ]


def test_as_text_each_failure_stands_alone_with_its_cure():
    text = str(failure(WHERE, "One run.", "8 runs", CAUSE, quiet=False))
    assert text.startswith("dup: Every rank made its own run\n")
    assert "  if rank == 0: wandb.init(project='a very long name', config={'x': 1, 'y': 2})" in text
    assert text.endswith("link      https://docs.wandb.ai/x")


def test_the_short_summary_and_tb_line_have_one_line():
    for told in (
        failure(WHERE, "One run.", "8 runs\nand more", CAUSE, quiet=True),
        failure(WHERE, "One run.", "8 runs\nand more", None, quiet=True),
        not_checked(WHERE, "One run.", "no\nanswer", quiet=True),
    ):
        assert len(told.reprcrash.message.splitlines()) == 1
        assert str(told.reprcrash) == told.reprcrash.message
        assert shown(told) == []


def test_a_failure_that_nothing_explains_says_so_with_what_was_seen():
    told = failure(WHERE, "One run.", "8 runs", None, quiet=False)
    assert told.reprcrash.message == "8 runs: no known fault explains this"
    assert shown(told)[-1] == "cause     no known fault explains this"


def test_escape_sequences_of_a_job_do_not_reach_the_terminal():
    told = failure(WHERE, "One run.", "\x1b[2Jgone\x07", None, quiet=False)
    assert "\x1b" not in str(told) + "".join(shown(told)) + told.reprcrash.message
