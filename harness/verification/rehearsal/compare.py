"""Compares what the disk has with what the embedded server has, point by point."""

import math
from collections.abc import Iterator, Sequence

from harness.evidence.models import JsonValue, LocalRun, Missing
from harness.loopback.runs import StoredRun
from harness.loopback.series import flatten

MOST_MISSING = 20

Place = tuple[str, str, int]


def on_disk(runs: Sequence[LocalRun]) -> dict[Place, JsonValue]:
    """Points by run, metric and step; of a long series at most 200, evenly spaced."""
    return {
        (run.run_id, key, step): value
        for run in runs
        for key, series in run.log.series.items()
        if not key.startswith("_")
        for step, value in series.sketch
    }


def on_server(runs: Sequence[StoredRun]) -> dict[Place, JsonValue]:
    """Every point of every row."""
    return {
        (run.name, key, int(row["_step"])): value
        for run in runs
        for row in run.history
        if "_step" in row
        for key, value in flatten(row)
    }


def missing(disk: dict[Place, JsonValue], server: dict[Place, JsonValue]) -> Iterator[Missing]:
    """Yield what the server lacks or has with another value."""
    for (run_id, key, step), value in sorted(disk.items()):
        there = server.get((run_id, key, step))
        if not _same(value, there):
            yield Missing(run_id=run_id, key=key, step=step, on_disk=value, on_server=there)


def _same(one: JsonValue, other: JsonValue) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def rows(runs: Sequence[StoredRun]) -> int:
    """How many rows the server has in all."""
    return sum("_step" in row for run in runs for row in run.history)
