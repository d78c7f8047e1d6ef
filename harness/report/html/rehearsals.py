"""The rehearsals as the page shows them: a time line for each case, on one axis, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from harness.evidence.models import Evidence, Rehearsal
from harness.evidence.redaction.visible import clean
from harness.judging.rehearsals import HOW
from harness.judging.verdict import Verdict
from harness.report.charts.drawing import axis
from harness.report.charts.phases import Lane, lane
from harness.report.charts.scale import Scale
from harness.report.charts.time_line import Stretch
from harness.report.text import seconds

SIGNALS = {"kill": "", "usr1": "USR1, SIGTERM, "}
"""What ended the job before SIGKILL, where it was not SIGTERM alone."""


@dataclass(frozen=True)
class CaseView:
    """One case: its outcome, its rows of the time line, and the commands that brought the rest."""

    outcome: str
    lanes: tuple[Lane, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True)
class RehearsalsView:
    """Every case, and the axis that they share."""

    cases: tuple[CaseView, ...]
    axis: Markup


def rehearsals_of(evidence: Evidence, verdict: Verdict) -> RehearsalsView | None:
    """Return what was rehearsed; None where nothing was."""
    cases = evidence.rehearsals.cases if evidence.rehearsals else ()
    if not cases:
        return None
    ends = [attempt.ended_s for case in cases for attempt in case.attempts]
    x = Scale(0.0, max([1.0, *ends]))
    views = tuple(
        CaseView(told.outcome, tuple(_lanes(case, clean(f"{told.case}: {told.text}", 400), x)), told.sync)
        for case, told in zip(cases, verdict.rehearsals, strict=True)
    )
    return RehearsalsView(views, axis(x, "seconds after the case began"))


def _ended(case: Rehearsal) -> str:
    used = case.grace_used_s
    if case.how == "slurm":
        return "scontrol requeue, and the next start"
    how = "SIGKILL ended the job" if used is None else f"the job ended {seconds(used)} later"
    return f"{SIGNALS.get(case.how or '', 'SIGTERM, ')}{how}, and the next start"


def _lanes(case: Rehearsal, words: str, x: Scale) -> Iterator[Lane]:
    starts = [Stretch("job", "", a.begun_s, a.ended_s, "work") for a in case.attempts]
    yield Lane(words, lane(starts, (), 0.0, x))
    if case.struck_s is None:
        return
    back = case.back_s if case.back_s is not None else max((a.ended_s for a in case.attempts), default=case.struck_s)
    what = f"the server {HOW[case.how]}" if case.kind == "outage" and case.how else _ended(case)
    until = f" to {seconds(back)}" if case.back_s is not None else " to the end"
    yield Lane(
        f"{what}: from {seconds(case.struck_s)}{until}",
        lane([Stretch("harness", "", case.struck_s, back, "wait")], (), 0.0, x),
    )
