"""A simulated training and its server, seen by the watcher's own track; a clock of its own, no waiting."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from harness.judging.live.troubles import troubles
from harness.watch.track import Look, Track

Kind = str
"""What the machine does: a name in `DOES`, or a fault."""
DOES: dict[Kind, tuple[float, float, float]] = {
    "train": (93.0, 400.0, 6.0), "validate": (80.0, 330.0, 6.0), "spin": (100.0, 150.0, 6.0),
    "idle": (0.0, 90.0, 0.02), "dead-rank": (100.0, 150.0, 6.0), "download": (0.0, 90.0, 0.05),
    "rollout": (0.0, 90.0, 50.0), "one core": (0.0, 90.0, 0.8), "bubbles": (35.0, 180.0, 6.0),
    "generate": (100.0, 230.0, 6.0), "one evaluates": (85.0, 330.0, 6.0), "one alone": (85.0, 330.0, 6.0),
    "halves": (90.0, 380.0, 6.0),
}  # fmt: skip
"""Per cent of each GPU, its watts, and per cent of all cores; what is not named here rests its GPUs and computes.

generate: at 100 %, with less power, which moves. one evaluates: the others wait for it at 100 %. one alone: they rest.
halves: one half of the GPUs works for two minutes, then the other.
"""
STOPS = ("killed", "spin", "idle", "dead-rank", "one core", "node-dead", "lost")
"""Faults after which no step comes."""


@dataclass(frozen=True)
class Pause:
    """After `every` steps (or once, after `at` steps) so many seconds without one."""

    seconds: float
    kind: Kind = "validate"
    every: int = 0
    at: int = 0
    row_s: float | None = None
    """Rows come meanwhile, so far apart."""


@dataclass(frozen=True)
class Stall:
    """After a step, by chance, so many seconds without one: evenly spread, or (`alpha`) with a tail from `low` on."""

    chance: float
    low: float
    high: float = math.inf
    alpha: float | None = None
    kind: Kind = "idle"

    def seconds(self, luck: random.Random) -> float:
        """Draw how long one lasts."""
        if self.alpha is None:
            return luck.uniform(self.low, self.high)
        return min(self.high, self.low * luck.paretovariate(self.alpha))


@dataclass(frozen=True)
class Job:
    """A training, healthy unless something happens to it at `fault_s`."""

    name: str
    step_s: float = 1.0
    spread: float = 0.1
    start_s: float = 20.0
    """From the start of the run to the first step."""
    start_kind: Kind = "compile"
    pauses: tuple[Pause, ...] = ()
    stalls: tuple[Stall, ...] = ()
    lasts_s: float = 1800.0
    gpus: int = 8
    away: tuple[tuple[float, float], ...] = ()
    """When the server does not answer, job and watcher alike."""
    cut_off: tuple[tuple[float, float], ...] = ()
    """When the job alone does not reach the server."""
    asleep: tuple[tuple[float, float], ...] = ()
    """When job and watcher sleep (a laptop)."""
    requeued: tuple[tuple[float, float], ...] = ()
    """When the job waits in the queue again."""
    suspended: tuple[tuple[float, float], ...] = ()
    """When Slurm suspends the job."""
    synced: bool = False
    """The rows were made a day before and are uploaded now."""
    joined_s: float = 0.0
    """When the watcher began to look."""
    ahead_s: float = 0.0
    """So far the watcher's clock is ahead of the others."""
    upload_s: float = 15.0
    sample_s: float | None = 15.0
    """None: without system metrics."""
    nodes: int = 0
    """Several nodes tell of their own GPUs; 0: one, without a name."""
    power: bool = True
    unused: tuple[int, ...] = ()
    """GPUs that never do anything."""
    first_rows: int = 0
    """Rows that come together when the run begins."""
    together: int = 1
    """So many rows are logged at a time."""
    tail: float = 0.0
    """Some steps take many times as long: the standard deviation of the logarithm."""
    tail_kind: Kind = ""
    """What the machine does in a step of more than ten times the usual length; else it trains."""
    then: tuple[tuple[float, float], ...] = ()
    """From a time on a step takes so long, at one stroke."""
    restart_s: float | None = None
    """From coming out of the queue to the first step."""
    job_ahead_s: float = 0.0
    """So far the job's clock, which dates the rows, is ahead of the server's."""
    later_s: float | None = None
    """What a step takes at the end; it grows steadily until then."""
    trains: Kind = "train"
    fault_s: float | None = None
    fault: Kind = ""
    """killed, cut, spin, idle, dead-rank, one core, one-gpu-silent, node-silent, node-dead, lost, nan."""
    own_s: float = 30.0
    """The interval by which the fault can be seen: the longest of step, pause, upload, sample and heartbeat."""


class Simulation:
    """The server's side of a job at any time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._random = random.Random(job.name)
        self.phases: list[tuple[float, float, Kind]] = []
        self.rows = list(self._steps())
        # Without rows the SDK gives its sign of life every 30 s.
        self._uploads = [t for t in self._ticks(min(job.upload_s, 30.0)) if self._sends(t)]
        self._row_uploads = [t for t in self._uploads if t % job.upload_s < 1e-6]

    def _ticks(self, every: float) -> Iterator[float]:
        number = 0
        while number * every < self.job.lasts_s:
            yield number * every
            number += 1

    def _steps(self) -> Iterator[float]:
        job, at, count = self.job, self.job.start_s, 0
        away, then = (*job.asleep, *job.requeued, *job.suspended), job.then[::-1]
        stops_s = job.fault_s if job.fault_s is not None and job.fault in STOPS else math.inf
        self.phases.append((0.0, at, job.start_kind))
        yield from (1.0 + n / 10 for n in range(job.first_rows))
        while at < job.lasts_s:
            if at >= stops_s:
                return
            for start, end in away:
                if start <= at < end:
                    at = end + (job.restart_s or job.step_s)
                    self.phases.append((end, at, job.start_kind))
            for _ in range(job.together):
                yield at
            count += job.together
            for pause in job.pauses:
                if (pause.every and count % pause.every == 0) or count == pause.at:
                    self.phases.append((at, at + pause.seconds, pause.kind))
                    yield from self._rows_within(pause, at)
                    at += pause.seconds
            usual = job.step_s
            if job.later_s:
                usual += (job.later_s - job.step_s) * at / job.lasts_s
            usual = next((s for begin, s in then if at >= begin), usual) if then else usual
            longer = math.exp(job.tail * self._random.gauss(0, 1)) if job.tail else 1.0
            apart = 1 + job.spread * self._random.gauss(0, 1) if job.spread or job.tail else 1.0
            takes = job.together * max(0.001, usual * longer * apart)
            if job.tail_kind and longer > 10:
                self.phases.append((at, at + takes, job.tail_kind))
            at += takes
            at = self._stalled(at) if job.stalls else at

    def _stalled(self, at: float) -> float:
        for stall in self.job.stalls:
            if self._random.random() < stall.chance:
                seconds = stall.seconds(self._random)
                self.phases.append((at, at + seconds, stall.kind))
                at += seconds
        return at

    @staticmethod
    def _rows_within(pause: Pause, at: float) -> Iterator[float]:
        if pause.row_s is not None:
            yield from (at + n * pause.row_s for n in range(1, int(pause.seconds / pause.row_s)))

    def _sends(self, t: float) -> bool:
        job = self.job
        dead = job.fault_s is not None and job.fault in ("killed", "cut", "lost") and t >= job.fault_s
        silent = (*job.away, *job.cut_off, *job.asleep, *job.requeued, *job.suspended)
        return not dead and not any(a <= t < b for a, b in silent)

    def doing(self, t: float) -> Kind:
        """What the machine does at a time."""
        job = self.job
        if job.fault_s is not None and t >= job.fault_s:
            return job.fault
        return next((kind for start, end, kind in self.phases if start <= t < end), job.trains)

    def system(self, t: float) -> dict[str, float]:
        """A sample of the machine at a time; `network` counts bytes since the start."""
        kind, wobble = self.doing(t), random.Random(f"{self.job.name}{t}").uniform(-4, 4)
        load, power, cpu = DOES.get(kind, DOES["train"] if "silent" in kind or kind == "nan" else (0.0, 90.0, 6.0))
        found = {"cpu": cpu + abs(wobble) / 100, "memory_percent": 9.0, "network.recv": 1e3 * t}
        if kind == "download":
            found["network.recv"] += 80e6 * (t - next(a for a, b, _ in self.phases if a <= t < b))
        for node in range(max(1, self.job.nodes)):
            label = f"/l:node{node}" if self.job.nodes else ""
            if kind == "node-dead" and node == 1:
                continue
            for gpu in range(self.job.gpus):
                silent = (kind in ("dead-rank", "one-gpu-silent") and (node, gpu) == (0, 3)) or gpu in self.job.unused
                silent = silent or (kind == "node-silent" and node == 1)
                silent = silent or (kind == "one alone" and (node, gpu) != (0, 0))
                silent = silent or (kind == "halves" and (gpu < self.job.gpus / 2) == (t % 240 < 120))
                waits = kind == "node-dead" or (kind == "one evaluates" and (node, gpu) != (0, 0))
                percent, watts = (0.0, 90.0) if silent else (100.0, 150.0) if waits else (load, power)
                moves = wobble if 5 < percent < 99 else 0.0
                if kind == "generate" and not silent:
                    moves = random.Random(f"{self.job.name}{t}{gpu}").uniform(-4, 4)
                found[f"gpu.{gpu}.gpu{label}"] = min(100.0, percent + (moves if percent < 99 else 0.0))
                if self.job.power:
                    found[f"gpu.{gpu}.powerWatts{label}"] = 0.0 if gpu % 2 else watts + 5 * moves
        return found

    def look(self, t: float) -> Look | None:
        """What the server tells at a time; None where it does not answer."""
        if any(a <= t < b for a, b in self.job.away):
            return None
        sent = bisect_right(self._uploads, t)
        if not sent:
            return Look(state="running", created_at=0.0, heartbeat_at=0.0)
        heard = self._uploads[sent - 1]
        uploads = bisect_right(self._row_uploads, t)
        rows = bisect_right(self.rows, self._row_uploads[uploads - 1] if uploads else 0.0)
        bad = (
            self.job.fault == "nan"
            and self.job.fault_s is not None
            and rows
            and self.rows[rows - 1] >= self.job.fault_s
        )
        age = 86_400.0 if self.job.synced else -self.job.job_ahead_s
        silent = t - heard > 300 and not self.job.away
        every = self.job.sample_s
        return Look(
            state="crashed" if silent else "running",
            created_at=0.0,
            heartbeat_at=heard,
            rows=rows,
            last_row_at=self.rows[rows - 1] - age if rows else None,
            odd=("loss",) if bad else (),
            system=self.system(heard // every * every) if every else {},
            served_at=t,
        )


@cache
def watched(job: Job) -> tuple[float, str] | None:
    """Watch a job to its end; return when the first alarm came, by the job's clock, and which; or None."""
    simulation, now = Simulation(job), job.joined_s
    track = Track(now + job.ahead_s)
    while now < job.lasts_s:
        for start, end in job.asleep:
            now = end + 1.0 if start <= now < end else now
        here = now + job.ahead_s
        waits = any(a <= now < b for a, b in job.requeued)
        stopped = any(a <= now < b for a, b in job.suspended)
        runs = "RUNNING" if job.requeued or job.suspended else None
        track.queued("PENDING" if waits else "SUSPENDED" if stopped else runs, here)
        look = simulation.look(now)
        if look is None:
            track.failed(here)
        else:
            track.take(look, here)
            if look.odd:
                return now, "nan"
            if (life := track.life(here)) and (found := troubles(life)):
                return now, f"{found[0].id}: {' '.join(found[0].observed)}"
            if look.state == "crashed" and runs is None:
                return now, "crashed"
        now = track.next_look(here, track.life(here)) - job.ahead_s
    return None
