"""Metric series of a run, the same view for server and disk; system metrics are in `system_series`."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from harness.evidence.models import Evidence, JsonValue, LocalRun, ScriptLook, ServerRun, ServerSeries
from harness.evidence.models.wandb_log import SeriesSummary
from harness.judging.metric_names import close_names
from harness.judging.metric_roles import Candidate, roles_of
from harness.judging.once import once
from harness.judging.view import find_lines, main_local_run, main_server_run, sdk_log_lines

Where = Literal["server", "disk"]

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How the server and the evidence write numbers that JSON cannot carry."""


@dataclass(frozen=True)
class SeriesView:
    """One metric of the run that carries the training.

    `count` is its points: numbers, `non_finite` among them; `others` are values that are none: texts, objects, and the
    null that SDKs before 0.28.1 write for NaN of numpy's small floats. Steps are W&B steps; `sketch` holds at most
    200 (step, value) of the finite numbers; `constant` says that three or more finite numbers are all the same.
    """

    key: str
    where: Where
    count: int
    non_finite: int
    others: int
    first_step: int | None
    last_step: int | None
    backward_steps: int
    last: JsonValue
    constant: bool
    sketch: tuple[tuple[float, float], ...]

    @property
    def usable(self) -> bool:
        """Whether there is at least one number, finite or not."""
        return self.count > 0


def where_to_look(evidence: Evidence) -> Where:
    """Say where the run is meant to be judged: on disk for `--run-dir` and `--offline` without `--sync`."""
    request = evidence.request
    if request.source == "run_dir" or (request.source == "job" and not request.wants_server):
        return "disk"
    return "server"


@once
def all_series(evidence: Evidence, where: Where | None = None) -> dict[str, SeriesView]:
    """Return every metric of the main run by name; empty where there is no run there."""
    if (where or where_to_look(evidence)) == "server":
        server_run = main_server_run(evidence)
        return {k: _from_server(s) for k, s in server_run.series.items()} if server_run else {}
    local_run = main_local_run(evidence)
    return {k: _from_disk(s) for k, s in local_run.log.series.items()} if local_run else {}


@once
def judged(evidence: Evidence) -> dict[str, str]:
    """Return the name of the series behind each metric that was asked for; a role that nothing plays is left out."""
    request = evidence.request
    if not request.expect_auto:
        return {key: key for key in request.expect}
    server_run, local_run = main_server_run(evidence), main_local_run(evidence)
    points = {k: _numbers_on_disk(s) for k, s in local_run.log.series.items()} if local_run else {}
    for key, found in server_run.series.items() if server_run else ():
        points[key] = max(points.get(key, 0), _numbers_on_server(found))
    look = evidence.setup.script if evidence.setup else None
    playing = roles_of(
        [Candidate(name, count, usable=count > 0) for name, count in points.items()],
        scripted=(*look.metrics, *_read_along(look)) if look else (),
        guided=bool(evidence.job and evidence.job.output.epochs),
    )
    return {role: name for role in request.expect if (name := playing.get(role, role)) is not None}


def _read_along(look: ScriptLook) -> tuple[str, ...]:
    """What the script gives to TensorBoard, where that is how it is meant to come to W&B."""
    return look.scalars if "tensorboard" in look.attached or not look.logs_itself else ()


def series(evidence: Evidence, key: str, where: Where | None = None) -> SeriesView | None:
    """Return one metric of the main run, or None where it was never logged there; of a role the series that plays it.

    A nested dictionary's key is stored with dots: `train/loss` is not `train.loss`, and is not taken for it.
    """
    request = evidence.request
    name = judged(evidence).get(key) if request.expect_auto and key in request.expect else key
    return all_series(evidence, where).get(name) if name is not None else None


def near(evidence: Evidence, key: str, where: Where | None = None) -> tuple[str, ...]:
    """Return metrics that exist, hold numbers, and may be what was meant by `key`; likeliest first, at most 3."""
    existing = all_series(evidence, where)
    return close_names(key, (name for name, view in existing.items() if view.usable))


def rows(evidence: Evidence, where: Where | None = None) -> int:
    """Return how many history rows the main run has there."""
    if (where or where_to_look(evidence)) == "server":
        server_run = main_server_run(evidence)
        return (server_run.rows or 0) if server_run else 0
    local_run = main_local_run(evidence)
    return local_run.log.history_rows if local_run else 0


def number(value: JsonValue) -> float | None:
    """Return a number of the evidence as a float, the words NaN and Infinity included; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return _WORDS.get(value) if isinstance(value, str) else None


def main_run(evidence: Evidence) -> ServerRun | LocalRun | None:
    """Return the run that carries the training, from where it is judged."""
    return main_server_run(evidence) if where_to_look(evidence) == "server" else main_local_run(evidence)


def _from_server(found: ServerSeries) -> SeriesView:
    values = [v for _, v in found.sketch]
    numbers = _numbers_on_server(found)
    return SeriesView(
        key=found.key, where="server", count=numbers, non_finite=found.non_finite,
        others=found.others, first_step=found.first_step, last_step=found.last_step,
        backward_steps=found.backward_steps, last=found.last,
        constant=len(values) >= _ENOUGH and min(values) == max(values), sketch=found.sketch,
    )  # fmt: skip


def _from_disk(found: SeriesSummary) -> SeriesView:
    read = ((float(step), number(raw)) for step, raw in found.sketch)
    points = tuple((step, value) for step, value in read if value is not None and math.isfinite(value))
    numbers = _numbers_on_disk(found)
    return SeriesView(
        key=found.key, where="disk", count=numbers,
        non_finite=found.count_non_finite, others=found.count_other, first_step=found.first_step,
        last_step=found.last_step, backward_steps=found.backward_steps, last=found.last,
        constant=found.constant and numbers - found.count_non_finite >= _ENOUGH, sketch=points,
    )  # fmt: skip


_ENOUGH = 3
"""Two equal values may be chance (an accuracy, say); three are worth a word."""


def _numbers_on_server(found: ServerSeries) -> int:
    return _numbers(found.count, found.numbers, found.non_finite, found.others)


def _numbers_on_disk(found: SeriesSummary) -> int:
    return _numbers(found.count, found.count_number, found.count_non_finite, found.count_other)


def _numbers(count: int, numbers: int, non_finite: int, others: int) -> int:
    """Count non-finite values among the numbers, whether or not the reader did."""
    return numbers + non_finite if numbers + non_finite + others <= count else numbers


STEP_WENT_BACK = re.compile(
    r"Tried to log to step \d+ that is less than the current step|ignoring partial history record"
    r"|User provided step: \d+ is less than current step|Step must only increase in log calls"
)
"""What the SDK says when it drops a row; short runs say it in debug-internal.log alone (seen in 0.17.5 and newer)."""


def dropped_rows(evidence: Evidence) -> tuple[str, ...]:
    """Return the SDK's words on rows that it dropped because their step went back; from job output and its own logs."""
    return (*find_lines(evidence, STEP_WENT_BACK), *sdk_log_lines(evidence, STEP_WENT_BACK))
