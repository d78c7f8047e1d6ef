"""Tells the time line of a job over its attempts, a sentence each; the same words in every form of the report."""

from harness.evidence.redaction.visible import clean
from harness.judging.history import AttemptSummary
from harness.judging.verdict import Verdict
from harness.report.text import clock

MOST = 8


def told(one: AttemptSummary) -> str:
    """Say what an attempt did, where, and how it ended."""
    where = f"on {', '.join(one.nodes[:4])}: " if one.nodes else ""
    ended = f"; ended {one.state}" if one.state else ""
    return clean(f"{where}{one.text}{ended}", 300)


def lines(verdict: Verdict) -> list[str]:
    """Return a line for each attempt: the first ones, and how many more."""
    shown, more = verdict.attempts[:MOST], len(verdict.attempts) - MOST
    found = [f"attempt {n}: {clock(one.started_at)} {told(one)}" for n, one in enumerate(shown, 1)]
    return [*found, f"and {more} more"] if more > 0 else found
