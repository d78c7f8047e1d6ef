"""What a rehearsal showed, in a sentence: the same for checks, causes and every report."""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.evidence.models import Attempt, Evidence, Rehearsal

HOW = {
    "refuse": "refused connections", "5xx": "answered HTTP 503", "silence": "never answered", "slow": "answered slowly",
    "401": "refused the key (HTTP 401)",
}  # fmt: skip
WHEN = {"start": "from the start on", "middle": "in the middle", "end": "at the end"}
HELD_UP_S = 2.0
"""Less is no delay: two starts of one job differ by as much."""

IN_FLIGHT_S = 20.0
"""Rows of so many seconds are with the SDK when a node fails: it uploads every 15 s."""
COST = "the second start trained from the beginning, so a requeue costs all GPU-hours since the job began"

Outcome = Literal["passed", "failed", "not_checked"]


class RehearsalSummary(BaseModel):
    """One case in `verdict.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    outcome: Outcome
    text: str
    """What came of it, in a sentence."""
    undisturbed_s: float
    held_up_s: float | None
    """How much longer the job took than undisturbed; of a requeue nothing is told."""
    exit_code: int | None
    rows_on_disk: int
    rows_on_server: int
    rows_in_the_end: int
    sync: tuple[str, ...] = ()
    """The commands that brought the rest."""


def cases(evidence: Evidence, kind: str) -> tuple[Rehearsal, ...]:
    """The cases of that kind that were played."""
    every = evidence.rehearsals.cases if evidence.rehearsals else ()
    return tuple(case for case in every if case.kind == kind and not case.not_played)


def held_up_s(case: Rehearsal) -> float:
    """How much longer than undisturbed the first start took."""
    return case.attempts[0].lasted_s - case.undisturbed_s


def ended_badly(attempt: Attempt) -> str | None:
    """How a start ended, where that was not in order."""
    if attempt.over_limit:
        return "it still ran when its time was over"
    if attempt.signal:
        return f"it was ended by {attempt.signal}"
    return f"it ended with exit code {attempt.exit_code}" if attempt.exit_code else None


def survived(case: Rehearsal) -> bool:
    """Whether the training came to its end in spite of the outage."""
    return ended_badly(case.attempts[0]) is None


def lost(case: Rehearsal) -> str | None:
    """What is not on the server when all is done that can be done; of a job that came to its end."""
    if case.missing_count:
        first = case.missing[0]
        points = f"{case.missing_count} of {case.compared} points"
        there = "not there" if first.on_server is None else f"{first.on_server} there"
        return (
            f"{points} of the disk are not on the server: {first.key} of step {first.step} is {first.on_disk}, {there}"
        )
    absent = case.undisturbed_rows - (case.in_the_end - synced_twice(case))
    # A job that trains for a given time logs a few rows less when it was held up.
    enough = 2 * case.rows_on_disk >= case.undisturbed_rows and case.attempts[-1].ended_in_order
    return f"{absent} of {case.undisturbed_rows} rows were never written" if absent > 0 and not enough else None


def synced_twice(case: Rehearsal) -> int:
    """Rows that the server had and that `wandb sync` sent again: it continues a run, it does not replace it."""
    return max(0, case.in_the_end - case.rows_on_disk) if case.sync else 0


def trained_anew(case: Rehearsal) -> bool:
    """Whether a later start trained from the beginning: it logged as much as a whole job."""
    return any(later.rows >= case.undisturbed_rows > 0 for later in case.attempts[1:])


def same_run(case: Rehearsal) -> bool:
    """Whether all starts went to one run; of one that was killed at once only the server may tell its run."""
    first = set(case.attempts[0].run_ids)
    strange = {run for later in case.attempts[1:] for run in later.run_ids} - first
    return len(set(case.runs_on_server)) <= 1 and not (first and strange)


def stepped_back(case: Rehearsal) -> str | None:
    """The SDK's word on dropped rows, where a later start counted from the beginning: rows since a checkpoint may be.

    They are the same rows, logged again.
    """
    for later in case.attempts[1:]:
        found = re.search(r"step (\d+)", later.dropped or "")
        if later.dropped and (found is None or int(found[1]) <= (case.undisturbed_first_step or 0)):
            return later.dropped
    return None


def in_flight(case: Rehearsal) -> int:
    """Rows that a node takes with it when it fails, of those that neither start brought to the server."""
    most = 1 + case.undisturbed_rows * IN_FLIGHT_S / max(IN_FLIGHT_S, case.undisturbed_s)
    return absent if case.how == "kill" and (absent := _absent(case)) <= most else 0


def doubled(case: Rehearsal) -> int:
    """Rows on the server beyond those of a job that was not disturbed."""
    return max(0, case.in_the_end - case.undisturbed_rows)


def _absent(case: Rehearsal) -> int:
    return max(0, case.undisturbed_rows - case.in_the_end)


def gap(case: Rehearsal) -> int:
    """Rows that neither start brought to the server, and that a script could have saved."""
    return _absent(case) - in_flight(case)


def summaries(evidence: Evidence) -> tuple[RehearsalSummary, ...]:
    """Every case, in the order in which they were asked for."""
    every = evidence.rehearsals.cases if evidence.rehearsals else ()
    return tuple(_summary(case) for case in every)


def _summary(case: Rehearsal) -> RehearsalSummary:
    outcome, text = _told(case)
    return RehearsalSummary(
        case=case.name,
        outcome=outcome,
        text=text,
        undisturbed_s=round(case.undisturbed_s, 1),
        held_up_s=round(held_up_s(case), 1) if case.kind == "outage" and case.attempts else None,
        exit_code=case.attempts[-1].exit_code if case.attempts else None,
        rows_on_disk=case.rows_on_disk,
        rows_on_server=case.rows_on_server,
        rows_in_the_end=case.in_the_end,
        sync=case.sync.commands if case.sync else (),
    )


def _told(case: Rehearsal) -> tuple[Outcome, str]:
    if case.not_played:
        return "not_checked", case.not_played
    return _of_outage(case) if case.kind == "outage" else _of_requeue(case)


def _of_outage(case: Rehearsal) -> tuple[Outcome, str]:
    if bad := ended_badly(case.attempts[0]):
        return "failed", f"the training did not survive: {bad}"
    held = held_up_s(case)
    parts = [f"held up {held:.0f} s" if held > HELD_UP_S else "not held up"]
    if problem := lost(case):
        return "failed", f"the training went on, {parts[0]}; lost: {problem}"
    rows = f"{case.rows_on_disk} of {case.undisturbed_rows} rows were logged"
    parts += [rows] if case.rows_on_disk < case.undisturbed_rows else []
    parts.append("the rest came by wandb sync" if case.sync else "all of them came by themselves")
    if twice := synced_twice(case):
        parts.append(f"{twice} rows are there twice since then")
    return "passed", f"the training went on, {', '.join(parts)}"


def _of_requeue(case: Rehearsal) -> tuple[Outcome, str]:
    problems = [*restart_problems(case), *loss_problems(case)]
    if problems:
        return "failed", "; ".join(problems)
    there = f"{case.in_the_end} of {case.undisturbed_rows} rows"
    which = "each later start" if len(case.attempts) > 2 else "the second start"
    gone = f"; {n} that were not uploaded yet went with the node" if (n := in_flight(case)) else ""
    return "passed", f"{which} continued the run: {there}, none twice{gone}"


def restart_problems(case: Rehearsal) -> Sequence[str]:
    """Why the second start did not continue the run."""
    found = [f"the last start failed: {bad}"] if (bad := ended_badly(case.attempts[-1])) else []
    if not same_run(case):
        found.append(f"a later start made a new run, so there are {len(set(case.runs_on_server))}")
    return found


def loss_problems(case: Rehearsal) -> Sequence[str]:
    """What is lost, or there twice, after the second start."""
    if trained_anew(case):
        return [COST]
    found = [f"{n} rows are there twice"] if (n := doubled(case)) else []
    where = "lost" if same_run(case) else "in none of these runs"
    found += [f"{n} of {case.undisturbed_rows} rows are {where}"] if (n := gap(case)) else []
    return [*found, *(["rows were dropped because their step had been before"] if stepped_back(case) else [])]
