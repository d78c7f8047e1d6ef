"""From what the public API says to typed evidence: pure functions, bounded in size."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any, Literal

from harness.evidence.models import JsonValue, ServerRun, ServerSeries, SystemSeries
from harness.evidence.redaction.redactor import cut

FoundBy = Literal["token", "id", "slurm_job", "window", "asked"]
KEYS = 2000
SKETCH = 200
SYSTEM_KEYS = 10_000
FINE_KEYS = 300
COARSE = 20
"""Beyond so many system metrics a sketch has fewer points, as it has where the log on disk is read."""
LONGEST = 400
NUMBERS = ("number",)
NON_FINITE = ("NaN", "Infinity", "-Infinity")
PERSONAL = ("email", "username")
"""Facts of the environment that are personal, and no evidence."""


def unix(stamp: str | None) -> float | None:
    """Read the API's UTC time stamps (`2026-11-23T06:22:53` with or without Z) as unix seconds."""
    if not stamp:
        return None
    try:
        moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def number(value: Any) -> float | None:
    """Read a finite number; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def bounded(value: Any, depth: int = 4) -> JsonValue:
    """Cut long texts and deep or wide structures, and spell out non-finite numbers."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else cut(value, LONGEST) + "…"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {cut(str(k), LONGEST): bounded(v, depth - 1) for k, v in list(value.items())[:200]} if depth else "…"
    if isinstance(value, (list, tuple)):
        return [bounded(v, depth - 1) for v in value[:50]] if depth else "…"
    return value if isinstance(value, (int, float, bool)) or value is None else cut(str(value), LONGEST)


def server_run(raw: Mapping[str, Any], found_by: FoundBy, *, detailed: bool = False) -> ServerRun:
    """Build a run from a listing."""
    keys = raw["history_keys"] or {}
    per_key = {k: v for k, v in (keys.get("keys") or {}).items() if not k.startswith("_")}
    return ServerRun(
        entity=raw["entity"],
        project=raw["project"],
        id=raw["id"],
        name=raw["name"] or "",
        state=raw["state"] or "",
        url=raw["url"] or "",
        created_at=unix(raw["created_at"]),
        heartbeat_at=unix(raw["heartbeat_at"]),
        tags=tuple(raw["tags"]),
        group=raw["group"],
        job_type=raw["job_type"],
        username=raw["username"],
        found_by=found_by,
        config=bounded(raw["config"]),
        summary=bounded({k: v for k, v in raw["summary"].items() if k != "_wandb"}),
        last_step=keys.get("lastStep"),
        rows=raw["rows"],
        series={k: _from_keys(k, v) for k, v in list(per_key.items())[:KEYS]},
        system={k: _latest(k, v) for k, v in raw["system"].items() if number(v) is not None and k[:1] != "_"},
        detailed=detailed,
    )


def with_internal(run: ServerRun, internal: Mapping[str, Any]) -> ServerRun:
    """Add what the SDK keeps in the config under `_wandb`: its version, and the environment in newer SDKs."""
    environment = {k: v for k, v in environment_of(internal).items() if k not in PERSONAL}
    slurm = environment.get("slurm")
    jobs = slurm if isinstance(slurm, Mapping) else {}
    return run.model_copy(
        update={
            "metadata": bounded(environment),
            "sdk_version": _text(internal.get("cli_version")),
            "python_version": _text(internal.get("python_version")),
            "host": _text(environment.get("host")),
            "slurm_job_id": _text(jobs.get("job_id")),
            "restart_count": _text(jobs.get("restart_count")),
        }
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def environment_of(internal: Mapping[str, Any]) -> dict[str, Any]:
    """Newer SDKs keep the environment in the config: `_wandb.e`, one entry for each writer."""
    writers = internal.get("e")
    if not isinstance(writers, Mapping) or not writers:
        return {}
    if all(isinstance(w, Mapping) for w in writers.values()):
        return dict(next(iter(writers.values())))
    return dict(writers)


def _from_keys(key: str, entry: Mapping[str, Any]) -> ServerSeries:
    """Count by `historyKeys`: type counts and last value; constant cost however long the run."""
    counts = entry.get("typeCounts") or ()
    total = sum(c.get("count", 0) for c in counts)
    numbers = sum(c.get("count", 0) for c in counts if c.get("type") in NUMBERS)
    last = entry.get("previousValue", entry.get("lastValue"))
    # W&B keeps NaN and infinity as texts. Among numbers a text is one of them, unless a sample shows otherwise.
    texts = sum(c.get("count", 0) for c in counts if c.get("type") == "string")
    odd = texts if numbers else int(isinstance(last, str) and last in NON_FINITE)
    return ServerSeries(
        key=key, count=total, numbers=numbers, others=total - numbers - odd, non_finite=odd, last=bounded(last)
    )


def _latest(key: str, value: Any) -> SystemSeries:
    return SystemSeries(key=key, count=1, first=value, last=value, minimum=value, maximum=value)


def series(known: ServerSeries, rows: Sequence[Mapping[str, Any]]) -> ServerSeries:
    """Add what a bounded sample shows: steps, a sketch, and non-finite values."""
    steps = [s for r in rows if (s := number(r.get("_step"))) is not None]
    points = [
        (s, v)
        for r in rows
        if (s := number(r.get("_step"))) is not None and (v := number(r.get(known.key))) is not None
    ]
    odd = sum(1 for r in rows if r.get(known.key) in NON_FINITE or _infinite(r.get(known.key)))
    texts = sum(
        1 for r in rows if isinstance(r.get(known.key), (str, dict, list)) and r.get(known.key) not in NON_FINITE
    )
    if odd and not texts and not known.numbers:
        # A series of nothing but NaN: what lies between the rows of the sample is what they are.
        non_finite = known.non_finite + known.others
    else:
        non_finite = odd if texts and not odd else max(odd, known.non_finite)
    times = [t for r in rows if (t := number(r.get("_timestamp"))) is not None]
    return known.model_copy(
        update={
            "non_finite": non_finite,
            "others": max(texts, known.others + known.non_finite - non_finite),
            "first_step": int(min(steps)) if steps else None,
            "last_step": int(max(steps)) if steps else None,
            "backward_steps": sum(1 for a, b in pairwise(steps) if b < a),
            "sketch": tuple(points[:SKETCH]),
            "times": tuple(times[:SKETCH]),
        }
    )


def _infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def system_series(events: Sequence[Mapping[str, Any]]) -> dict[str, SystemSeries]:
    """Gather the event stream by key; times are seconds since the run began (`_runtime`)."""
    gathered: dict[str, list[tuple[float, float]]] = {}
    for index, event in enumerate(events):
        at = number(event.get("_runtime"))
        for key, value in event.items():
            room = key in gathered or len(gathered) < SYSTEM_KEYS
            if room and key[:1] != "_" and (read := number(value)) is not None:
                gathered.setdefault(key, []).append((at if at is not None else float(index), read))
    most = SKETCH if len(gathered) <= FINE_KEYS else COARSE
    return {key: _system(key, points, most) for key, points in gathered.items()}


def last_at(events: Sequence[Mapping[str, Any]]) -> float | None:
    """When the newest event was made, in unix seconds."""
    return max((at for event in events if (at := number(event.get("_timestamp"))) is not None), default=None)


def _system(key: str, points: Sequence[tuple[float, float]], most: int) -> SystemSeries:
    values = [v for _, v in points]
    stride = -(-len(points) // most)
    return SystemSeries(
        key=key,
        count=len(values),
        first=values[0],
        last=values[-1],
        minimum=min(values),
        maximum=max(values),
        sketch=tuple(points[::stride]),
    )
