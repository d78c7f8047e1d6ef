"""The time line of a job's attempts, in the same words on the terminal and in the report."""

from harness.judging.history import AttemptSummary
from harness.judging.verdict import Verdict
from harness.report import attempts

FIRST = AttemptSummary(started_at=1764417600.0, nodes=("nid1", "nid2"), state="PREEMPTED", run="a", text="began run a")


def verdict(*found: AttemptSummary) -> Verdict:
    return Verdict(verdict="passed", root_cause=None, findings=(), checks=(), attempts=found)


def test_each_attempt_has_a_line():
    other = AttemptSummary(started_at=None, text="it made no run")
    assert attempts.lines(verdict(FIRST, other)) == [
        "attempt 1: 2025-11-29 12:00:00 UTC on nid1, nid2: began run a; ended PREEMPTED",
        "attempt 2: – it made no run",
    ]
    assert attempts.lines(verdict()) == []


def test_of_many_the_first_are_told():
    assert attempts.lines(verdict(*[FIRST] * 10))[-1] == "and 2 more"
