"""What of a running run only its end, or some more time, can show."""

from collections.abc import Callable, Mapping
from typing import Literal

from harness.evidence.models import Evidence
from harness.judging.live.life import Life
from harness.judging.live.rhythm import ENOUGH_ROWS
from harness.judging.metric_series import all_series
from harness.judging.sampling import UPLOAD_INTERVAL_S, sampling

Shows = Literal["now", "end", "rows", "samples"]
"""When a check can say that something is missing: at once, at the end, after enough rows, or after enough samples."""
RUNNING = "the run is still running"
SILENT_START_S = 1800.0


def early(shows: Shows, life: Life, evidence: Evidence) -> str | None:
    """Say why it is too early to miss something; None where it can be missed now."""
    if shows == "end":
        return RUNNING
    reason = _EARLY[shows](life, evidence) if shows in _EARLY else None
    return f"{RUNNING}, and {reason}" if reason else None


def _rows(life: Life, evidence: Evidence) -> str | None:
    age = life.now - life.begun_at if life.begun_at is not None else None
    printed = len(evidence.job.output.epochs) if evidence.job else 0
    if not life.steps.count:
        waits = printed < FEW_EPOCHS and (age is None or age < SILENT_START_S)
        return "no step came yet" if waits else None
    if life.steps.count < ENOUGH_ROWS:
        return f"only {life.steps.count} rows came yet"
    return "its first epoch is not over" if _in_first_epoch(evidence) else None


FEW_EPOCHS = 2


def _in_first_epoch(evidence: Evidence) -> bool:
    """Whether the run counts its epochs and none is over: what is logged once an epoch may still come."""
    counted = [view.sketch for key, view in all_series(evidence).items() if key.rpartition("/")[2] == "epoch"]
    return any(sketch and int(sketch[-1][1]) == int(sketch[0][1]) for sketch in counted)


def _samples(life: Life, evidence: Evidence) -> str | None:
    due = sampling(evidence).first_s + 2 * UPLOAD_INTERVAL_S
    age = life.now - life.begun_at if life.begun_at is not None else None
    return f"the first samples are due {due:.0f} s after its start" if age is not None and age < due else None


_EARLY: Mapping[Shows, Callable[[Life, Evidence], str | None]] = {"rows": _rows, "samples": _samples}
