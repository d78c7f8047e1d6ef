"""Symptoms of the rehearsals: does the training survive an outage and a requeue, and is all there in the end?"""

from collections.abc import Callable, Sequence

from harness.evidence.models import Rehearsal
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.rehearsals import cases, ended_badly, loss_problems, lost, restart_problems, survived

MOST_CASES = 4


def _played(case: Case, kind: str) -> tuple[Rehearsal, ...]:
    asked, rehearsals = case.evidence.request.rehearse, case.evidence.rehearsals
    if not asked:
        raise NotApplicable("nothing was rehearsed: --rehearse does it")
    if asked not in (kind, "all"):
        raise NotApplicable(f"no {kind} was rehearsed: --rehearse {kind} does it")
    if rehearsals is None or rehearsals.skipped:
        why = rehearsals.skipped if rehearsals else "the job has to work undisturbed first"
        raise NotApplicable(f"no {kind} was rehearsed: {why}")
    if found := cases(case.evidence, kind):
        return found
    every = (one.not_played for one in rehearsals.cases if one.kind == kind)
    raise NotChecked(next(every, f"no {kind} was played"))


def _told(found: Sequence[Rehearsal], problem: Callable[[Rehearsal], str | None]) -> str | None:
    told = [f"{one.name}: {said}" for one in found if (said := problem(one))]
    more = f"; and {len(told) - MOST_CASES} more" if len(told) > MOST_CASES else ""
    return "; ".join(told[:MOST_CASES]) + more if told else None


def training_survives_an_outage(case: Case, _: str) -> str | None:
    """The training ended, or hung, because the server was gone."""
    return _told(_played(case, "outage"), lambda one: ended_badly(one.attempts[0]))


def an_outage_loses_nothing(case: Case, _: str) -> str | None:
    """The server lacks points in the end, after `wandb sync` too."""
    found = [one for one in _played(case, "outage") if survived(one)]
    if not found:
        raise NotApplicable("the training survived no outage, so what it would have logged is not known")
    return _told(found, lost)


def a_restart_continues_the_run(case: Case, _: str) -> str | None:
    """The second start failed, or made a run of its own."""
    return _told(_played(case, "requeue"), lambda one: "; ".join(restart_problems(one)) or None)


def a_restart_loses_nothing(case: Case, _: str) -> str | None:
    """Rows are lost or there twice, or the training began anew."""
    return _told(_played(case, "requeue"), lambda one: "; ".join(loss_problems(one)) or None)


FILE = "test_7_rehearsal.py"
CHECKS = (
    Check(FILE, "test_training_survives_an_outage", training_survives_an_outage),
    Check(FILE, "test_an_outage_loses_nothing", an_outage_loses_nothing),
    Check(FILE, "test_a_restart_continues_the_run", a_restart_continues_the_run),
    Check(
        FILE, "test_a_restart_loses_nothing", a_restart_loses_nothing, needs=("test_a_restart_continues_the_run",)
    ),
)  # fmt: skip
