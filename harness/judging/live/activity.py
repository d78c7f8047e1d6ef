"""What the machine did since the last step, read from the samples of system metrics around it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from harness.judging.live.life import Activity

Samples = Mapping[str, Sequence[tuple[float, float]]]
"""(unix seconds, value) by key, without the leading `system.`."""

FULL, STEADY, IDLE = 95.0, 5.0, 2.0
"""Per cent of a GPU."""
LESS_POWER = 0.8
"""GPUs that wait for each other draw less than this share of their power in training."""
CORES = 0.2
"""Fewer busy cores are no work; the SDK's own sampling takes 0.03."""
MOVED_MB = 20.0
"""So much is written to disk, or comes by the network, in a sample where a checkpoint or data are."""
ENOUGH, RECENT = 2, 3
"""Samples after the last step without which nothing is said; and how many of the newest count."""
_GPU = re.compile(r"gpu\.(\d+)\.(\w+)(/l:.+)?")
_MOVES: Mapping[re.Pattern[str], tuple[float, str]] = {
    re.compile(r"disk\..*\.out(/l:.+)?"): (1.0, "were written to disk"),
    re.compile(r"network\.recv(/l:.+)?"): (2**20, "came by the network"),
}
"""Counters since the start of the run: how many of its units are a megabyte, and what it means."""


def activity(samples: Samples, since: float, cores: int | None = None) -> tuple[Activity, tuple[str, ...]]:
    """Say what the machine did since a time, and what shows it.

    Args:
        samples: system metrics of the run.
        since: the last step, in unix seconds.
        cores: CPU cores of the node: the SDK tells a process's load as a share of all of them.
    """
    after = {k: [v for t, v in points if t > since][-RECENT:] for k, points in samples.items()}
    before = {k: [v for t, v in points if t <= since] for k, points in samples.items()}
    loads = _of_gpus(after, "gpu")
    if loads and min(map(len, loads)) >= ENOUGH:
        every = [value for load in loads for value in load]
        if min(every) >= FULL and max(every) - min(every) <= STEADY:
            return _full(before, after, len(loads))
        if all(max(load) <= IDLE or min(load) >= FULL for load in loads) and max(every) > IDLE:
            return "busy", ("Some GPUs rest, and the others are at 100 %: one rank works, or they wait for one.",)
        if max(every) > IDLE:
            return "working", (f"GPU utilisation moves between {min(every):.0f} and {max(every):.0f} %.",)
        return _without_gpu(after, cores, f"Every GPU is at {median(every):.0f} %")
    return _without_gpu(after, cores, "")


def _full(
    before: Mapping[str, list[float]], after: Mapping[str, list[float]], count: int
) -> tuple[Activity, tuple[str, ...]]:
    said = f"{'Every GPU is' if count > 1 else 'The GPU is'} at 100 %"
    then = [v for power in _of_gpus(before, "powerWatts") for v in power if v > 0]
    now = [v for power in _of_gpus(after, "powerWatts") for v in power if v > 0]
    if not then or not now:
        return "busy", (f"{said}.",)
    words = f"{said}, and draws {median(now):.0f} W, {median(then):.0f} W before."
    return ("spinning" if median(now) < LESS_POWER * median(then) else "working"), (words,)


def _without_gpu(after: Mapping[str, list[float]], cores: int | None, said: str) -> tuple[Activity, tuple[str, ...]]:
    load = after.get("cpu", ())
    if len(load) < ENOUGH or cores is None:
        return ("idle" if said and len(load) < ENOUGH else "unknown"), ((f"{said}.",) if said else ())
    busy = median(load) * cores / 100
    works: Activity = "aside" if said else "working"
    if busy >= CORES:
        return works, (f"The process keeps {busy:.1f} cores busy.",)
    for pattern, (unit, words) in _MOVES.items():
        grown = (v[-1] - v[0] for k, v in after.items() if pattern.fullmatch(k) and len(v) >= ENOUGH)
        if (moved := max(grown, default=0.0) / unit) >= MOVED_MB * len(load):
            return works, (f"{moved:.0f} MB {words}.",)
    return "idle", (f"{said or 'No GPU reports'}, and the process keeps {busy:.2f} cores busy.",)


def _of_gpus(samples: Mapping[str, list[float]], what: str) -> list[list[float]]:
    return [v for k, v in samples.items() if v and (m := _GPU.fullmatch(k)) and m[2] == what]


SILENT_SAMPLES = 3
AT_WORK = 20.0
"""Per cent of a GPU that trains."""


def silent(samples: Samples, last_step: float) -> tuple[str, ...]:
    """Name GPUs that were at work before and rest now, while others work; and nodes that send no samples any more.

    Steps must have come meanwhile: while there are none, one rank may save what the others wait for.
    """
    loads = {m: points for k, points in samples.items() if points and (m := _GPU.fullmatch(k)) and m[2] == "gpu"}
    rests = {m: points[-SILENT_SAMPLES:] for m, points in loads.items() if len(points) > 2 * SILENT_SAMPLES}
    at_work = [m for m, points in rests.items() if median(v for _, v in points) >= AT_WORK]
    if not at_work:
        return ()
    newest = max(points[-1][0] for points in loads.values())
    resting = [
        m
        for m, points in rests.items()
        if max(v for _, v in points) <= IDLE and points[0][0] < last_step and max(v for _, v in loads[m]) >= AT_WORK
    ]
    ended = {label for m, points in loads.items() if (label := m[3]) and _ended([t for t, _ in points], newest)}
    return (*_names(resting, loads), *(f"node {label.removeprefix('/l:')}" for label in sorted(ended)))


def at_work(samples: Samples) -> tuple[int, int] | None:
    """Return how many GPUs were at work in their newest sample, and of how many; None where none is told of."""
    newest = [points[-1][1] for k, points in samples.items() if points and (m := _GPU.fullmatch(k)) and m[2] == "gpu"]
    return (sum(value > IDLE for value in newest), len(newest)) if newest else None


def _ended(times: Sequence[float], newest: float) -> bool:
    usual = median(b - a for a, b in pairwise(times)) if len(times) > 2 else None
    return usual is not None and newest - times[-1] > 3 * usual + 30


def _names(resting: Sequence[re.Match[str]], every: Iterable[re.Match[str]]) -> tuple[str, ...]:
    """Name GPUs; where all of a node's rest, that is said once."""
    of_node, there = Counter(m[3] for m in resting), Counter(m[3] for m in every)
    whole = [label for label in of_node if label and of_node[label] == there[label]]
    nodes = (f"every GPU of {label.removeprefix('/l:')}" for label in whole)
    single = (m for m in resting if m[3] not in whole)
    return (*nodes, *(f"GPU {m[1]}" + (f" of {m[3].removeprefix('/l:')}" if m[3] else "") for m in single))
