"""What was watched on the page: states and problems on a time line, and a line for each."""

from harness.evidence.models import Seen
from harness.judging.judge import judge
from harness.report.html.page import render
from harness.report.html.watched import watched_of
from harness.report.next_commands import NextCommands
from tests.judging.build import healthy

WATCHED = (
    Seen(at=1000.0, event="begin", state="pending"),
    Seen(at=1300.0, event="state", state="running"),
    Seen(at=1400.0, event="verified", state="running", steps=20, verdict="passed"),
    Seen(at=2000.0, event="problem", state="running", steps=500, problem="live-no-steps", words="no step for 80 s"),
    Seen(at=2120.0, event="mended", state="running", steps=510),
    Seen(at=4000.0, event="end", state="finished", steps=900, verdict="passed"),
)
EVIDENCE = healthy().model_copy(update={"watched": WATCHED, "created_at": 4000.0})


def test_states_and_problems_are_drawn_and_told():
    found = watched_of(EVIDENCE)
    assert [lane.name for lane in found.lanes] == [
        "State: pending, then running",
        "Watched for 50 min 0 s: 1 problem, 2 min 0 s in all",
    ]
    assert found.lanes[0].svg.count("<rect") == 2
    assert 'class="bad" x="33.3%" width="4.0%"' in found.lanes[1].svg
    assert [(row.after, row.text) for row in found.rows if row.bad] == [
        ("16 min 40 s", "live-no-steps: no step for 80 s")
    ]
    assert found.rows[-1].text == "ended: finished, verdict passed"


def test_a_problem_that_stands_lasts_to_the_end():
    found = watched_of(EVIDENCE.model_copy(update={"watched": WATCHED[:4], "created_at": 3000.0}))
    assert 'x="50.0%" width="50.0%"' in found.lanes[1].svg


def test_a_job_that_could_not_be_read_has_a_page_too():
    unread = (Seen(at=1000.0, event="verified", verdict="inconclusive"),)
    found = watched_of(EVIDENCE.model_copy(update={"watched": unread, "created_at": 1000.0}))
    assert [lane.name for lane in found.lanes] == ["State: never seen", "Watched for 0.0 s: no problem"]


def test_the_page_shows_it_only_where_something_was_watched():
    assert "What was watched" in render(EVIDENCE, judge(EVIDENCE), {}, NextCommands())
    assert "What was watched" not in render(healthy(), judge(healthy()), {}, NextCommands())
