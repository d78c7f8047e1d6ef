"""What the machine did since the last step, read from the samples of system metrics around it."""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from statistics import median
from typing import NamedTuple

from harness.judging.live.life import Activity
from harness.judging.live.rhythm import NEAR, PAUSES


class Series(NamedTuple):
    """The samples of one metric, oldest first: unix seconds, and values."""

    times: Sequence[float]
    values: Sequence[float]


Samples = Mapping[str, Series]
"""By key, without the leading `system.`."""

FULL, STEADY, IDLE = 95.0, 5.0, 2.0
"""Per cent of a GPU."""
LESS_POWER = 0.8
"""GPUs that wait for each other draw less than this share of their power in training."""
STEADY_POWER = 0.05
"""And their power moves by less than this share from sample to sample: they do the same again and again."""
CORES = 0.2
"""Fewer busy cores are no work; the SDK's own sampling takes 0.03."""
LESS_LOAD = 0.06
"""A process that waits takes less than this share of the CPU that it took in training; each rank has its part in it."""
MOVED_MB, SAMPLE_S = 20.0, 15.0
"""So much is written to disk, or comes by the network, in so many seconds where a checkpoint or data are."""
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
    after = {k: list(s.values[bisect_right(s.times, since) :][-RECENT:]) for k, s in samples.items()}
    loads = _of_gpus(after, "gpu")
    if loads and min(map(len, loads)) >= ENOUGH:
        every = [value for load in loads for value in load]
        if min(every) >= FULL and max(every) - min(every) <= STEADY:
            return _full(samples, since, after, len(loads))
        if all(max(load) <= IDLE or min(load) >= FULL for load in loads) and max(every) > IDLE:
            return "busy", ("Some GPUs rest, and the others are at 100 %: one rank works, or they wait for one.",)
        if max(every) > IDLE:
            return "working", (f"GPU utilisation moves between {min(every):.0f} and {max(every):.0f} %.",)
    return _without_gpu(samples, since, after, cores)


def _full(
    samples: Samples, since: float, after: Mapping[str, Sequence[float]], count: int
) -> tuple[Activity, tuple[str, ...]]:
    said = f"{'Every GPU is' if count > 1 else 'The GPU is'} at 100 %"
    trained = _when_at_work(samples, since)
    power_of = [s for k, s in samples.items() if (gpu := gpu_of(k)) and gpu.what == "powerWatts"]
    then = [v for s in power_of for at, v in zip(s.times, s.values, strict=True) if v > 0 and at in trained]
    each = [power for power in _of_gpus(after, "powerWatts") if min(power) > 0]
    now = [v for power in each for v in power]
    if not then or not now:
        return "busy", (f"{said}.",)
    words = f"{said}, and draws {median(now):.0f} W, {median(then):.0f} W before."
    if median(now) >= LESS_POWER * median(then):
        return "working", (words,)
    steady = all(max(power) - min(power) <= STEADY_POWER * max(power) for power in each)
    return ("spinning" if steady else "busy"), (words,)


def _when_at_work(samples: Samples, until: float) -> set[float]:
    """When samples were taken in which GPUs were at work, up to a time; all of them where there is no GPU."""
    loads = [s for k, s in samples.items() if (gpu := gpu_of(k)) and gpu.what == "gpu"]
    if not loads:
        return {at for s in samples.values() for at in s.times if at <= until}
    return {at for s in loads for at, load in zip(s.times, s.values, strict=True) if at <= until and load >= AT_WORK}


def _grown(counter: Series, since: float) -> tuple[float, float]:
    """By how much a counter grew over the newest samples after a time, and in how many seconds."""
    first = max(bisect_right(counter.times, since), len(counter.times) - RECENT)
    return counter.values[-1] - counter.values[first], counter.times[-1] - counter.times[first]


def _without_gpu(
    samples: Samples, since: float, after: Mapping[str, Sequence[float]], cores: int | None
) -> tuple[Activity, tuple[str, ...]]:
    loads, load = _of_gpus(after, "gpu"), after.get("cpu", ())
    there = bool(loads) and min(map(len, loads)) >= ENOUGH
    said = f"Every GPU is at {median(v for load in loads for v in load):.0f} %" if there else ""
    if len(load) < ENOUGH:
        return ("idle" if said else "unknown"), ((f"{said}.",) if said else ())
    trained = _when_at_work(samples, since)
    before = [v for at, v in zip(*samples["cpu"], strict=True) if at in trained]
    now, usual = median(load), median(before) if before else None
    for pattern, (unit, words) in _MOVES.items():
        counters = [s for k, s in samples.items() if pattern.fullmatch(k) and len(after[k]) >= ENOUGH]
        moved, lasted = max((_grown(counter, since) for counter in counters), default=(0.0, 0.0))
        if moved / unit >= MOVED_MB * (1 + lasted / SAMPLE_S):
            return ("aside" if said else "working"), (f"{moved / unit:.0f} MB {words}.",)
    busy, less = now * cores / 100 if cores is not None else None, usual is not None and now <= LESS_LOAD * usual
    if busy is not None and busy >= CORES and not less:
        return ("aside" if said else "working"), (f"The process keeps {busy:.1f} cores busy.",)
    kept = f"keeps {busy:.2f} cores busy" if busy is not None else f"takes {now:.2g} % of the CPU"
    words = f"{said or 'No GPU reports'}, and the process {kept}"
    if busy is None and not less:
        told = f"{words}, {usual:.2g} % before." if usual is not None else f"{words}."
        return ("aside" if said else "unknown"), (told,)
    if cores is not None and not (said or less) and usual is not None and usual * cores / 100 < CORES:
        return "unknown", (f"{words}, no less than while steps came.",)
    return "idle", (f"{words}.",)


class Gpu(NamedTuple):
    """Whose metric it is: the number of a GPU, what is measured, and the node's label, where there is one."""

    number: str
    what: str
    label: str


@lru_cache(maxsize=4096)
def gpu_of(key: str) -> Gpu | None:
    """Read the key of a GPU's metric."""
    found = _GPU.fullmatch(key)
    return Gpu(found[1], found[2], found[3] or "") if found else None


def _of_gpus(samples: Mapping[str, Sequence[float]], what: str) -> list[Sequence[float]]:
    return [v for k, v in samples.items() if v and (gpu := gpu_of(k)) and gpu.what == what]


SILENT_SAMPLES = 3
SILENT_S, MOST_SILENT_S = 75.0, 150.0
"""So long some GPUs may rest while others work; and most of them (one rank evaluates), or any that are hardly known."""
KNOWN_S = 300.0
"""After so long a time at work a GPU is known, and whether it takes turns with others."""
CHANCE = 0.001
"""What comes by chance no oftener than that is taken for real."""
AT_WORK = 20.0
"""Per cent of a GPU that trains."""


def silent(samples: Samples, last_step: float, resumed_at: float = 0.0) -> tuple[str, ...]:
    """Name GPUs that were at work before and rest now, while others work; and nodes that send no samples any more.

    Steps must have come meanwhile: while there are none, one rank may save what the others wait for. A GPU that
    rests now and then, in its own rhythm, may do so.

    Args:
        samples: system metrics of the run.
        last_step: when the last step came, in unix seconds.
        resumed_at: when steps came again after their last pause.
    """
    loads = {gpu: s for k, s in samples.items() if s.times and (gpu := gpu_of(k)) and gpu.what == "gpu"}
    if not any(_at_work(s.values) for s in loads.values()):
        return ()
    newest = max(s.times[-1] for s in loads.values())
    idle = [gpu for gpu, s in loads.items() if s.values[-1] <= IDLE]
    few = 2 * len(idle) <= len(loads)
    resting = [gpu for gpu in idle if _rests(loads[gpu], last_step, resumed_at, few)]
    ended = {gpu.label for gpu, s in loads.items() if gpu.label and s.times[-1] < newest and _ended(s.times, newest)}
    return (*_names(resting, loads), *(f"node {label.removeprefix('/l:')}" for label in sorted(ended)))


def _at_work(values: Sequence[float]) -> bool:
    """Whether a GPU works by its newest samples, and was seen for a while."""
    return len(values) > 2 * SILENT_SAMPLES and median(values[-SILENT_SAMPLES:]) >= AT_WORK


def _rests(load: Series, last_step: float, resumed_at: float, few: bool) -> bool:
    """Whether a GPU that was at work has rested for so long while steps came, and for longer than it ever did."""
    if len(load.values) <= 2 * SILENT_SAMPLES or max(load.values) < AT_WORK:
        return False
    spells = [[at for at, _ in spell] for rests, spell in groupby(zip(*load, strict=True), lambda s: s[1] <= IDLE)
              if rests]  # fmt: skip
    now = [at for at in spells[-1] if at >= resumed_at]
    longest = max((s[-1] - s[0] for s in spells[:-1] if s[0] > load.times[0]), default=0.0)
    if len(now) < max(SILENT_SAMPLES, _by_chance(load, spells[-1][0])) or now[-SILENT_SAMPLES] >= last_step:
        return False
    least = SILENT_S if few and now[0] - load.times[0] >= KNOWN_S else MOST_SILENT_S
    return now[-1] - now[0] >= max(least, PAUSES * longest)


def _by_chance(load: Series, since: float) -> float:
    """So many looks in a row find a GPU at rest by chance, as often as it rested before a time."""
    before = [value <= IDLE for at, value in zip(*load, strict=True) if at < since]
    share = (sum(before) + 0.5) / (len(before) + 1)
    return math.log(CHANCE) / math.log(share)


def at_work(samples: Samples) -> tuple[int, int] | None:
    """Return how many GPUs were at work in their newest sample, and of how many; None where none is told of."""
    return loads_at_work(load[-1] for load in _of_gpus({k: s.values for k, s in samples.items()}, "gpu"))


def loads_at_work(loads: Iterable[float]) -> tuple[int, int] | None:
    """The same of the newest loads, in per cent."""
    newest = list(loads)
    return (sum(value > IDLE for value in newest), len(newest)) if newest else None


def _ended(times: Sequence[float], newest: float) -> bool:
    usual = median(b - a for a, b in pairwise(times[-NEAR:])) if len(times) > 2 else None
    return usual is not None and newest - times[-1] > 3 * usual + 30


def _names(resting: Sequence[Gpu], every: Iterable[Gpu]) -> tuple[str, ...]:
    """Name GPUs; where all of a node's rest, that is said once."""
    of_node, there = Counter(gpu.label for gpu in resting), Counter(gpu.label for gpu in every)
    whole = [label for label in of_node if label and of_node[label] == there[label]]
    nodes = (f"every GPU of {label.removeprefix('/l:')}" for label in whole)
    single = (gpu for gpu in resting if gpu.label not in whole)
    return (*nodes, *(f"GPU {g.number}" + (f" of {g.label.removeprefix('/l:')}" if g.label else "") for g in single))
