"""A simulated training and its server, seen by the watcher's own track; a clock of its own, no waiting."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from harness.judging.live.troubles import troubles
from harness.watch.track import Look, Track

UPLOAD_S, SAMPLE_S = 15.0, 15.0
Kind = str
"""train, idle, compile, validate, checkpoint, spin, dead-rank, one-gpu-silent: what the machine does."""


@dataclass(frozen=True)
class Pause:
    """After `every` steps (or once, after `at` steps) so many seconds without one."""

    seconds: float
    kind: Kind = "validate"
    every: int = 0
    at: int = 0


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
    synced: bool = False
    """The rows were made a day before and are uploaded now."""
    joined_s: float = 0.0
    """When the watcher began to look."""
    fault_s: float | None = None
    fault: Kind = ""
    """killed, cut, spin, idle, dead-rank, one-gpu-silent, nan."""
    own_s: float = 30.0
    """The interval by which the fault can be seen: the longest of step, pause, upload, sample and heartbeat."""


class Simulation:
    """The server's side of a job at any time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._random = random.Random(job.name)
        self.phases: list[tuple[float, float, Kind]] = []
        self.rows = list(self._steps())
        self._uploads = [t for t in self._ticks(UPLOAD_S) if self._sends(t)]

    def _ticks(self, every: float) -> Iterator[float]:
        number = 0
        while number * every < self.job.lasts_s:
            yield number * every
            number += 1

    def _steps(self) -> Iterator[float]:
        job, at, count = self.job, self.job.start_s, 0
        self.phases.append((0.0, at, job.start_kind))
        while at < job.lasts_s:
            if job.fault_s is not None and at >= job.fault_s and job.fault in ("killed", "spin", "idle", "dead-rank"):
                return
            for start, end in (*job.asleep, *job.requeued):
                if start <= at < end:
                    at = end + job.step_s
            yield at
            count += 1
            for pause in job.pauses:
                if (pause.every and count % pause.every == 0) or count == pause.at:
                    self.phases.append((at, at + pause.seconds, pause.kind))
                    at += pause.seconds
            at += max(0.001, job.step_s * (1 + job.spread * self._random.gauss(0, 1)))

    def _sends(self, t: float) -> bool:
        job = self.job
        dead = job.fault_s is not None and job.fault in ("killed", "cut") and t >= job.fault_s
        return not dead and not any(a <= t < b for a, b in (*job.away, *job.cut_off, *job.asleep, *job.requeued))

    def doing(self, t: float) -> Kind:
        """What the machine does at a time."""
        job = self.job
        if job.fault_s is not None and t >= job.fault_s:
            return job.fault
        return next((kind for start, end, kind in self.phases if start <= t < end), "train")

    def system(self, t: float) -> dict[str, float]:
        """A sample of the machine at a time."""
        kind, wobble = self.doing(t), random.Random(f"{self.job.name}{t}").uniform(-4, 4)
        busy = {"train": (93.0, 400.0), "validate": (80.0, 330.0), "spin": (100.0, 150.0)}.get(kind, (0.0, 90.0))
        found = {"cpu": {"idle": 0.02, "dead-rank": 6.0}.get(kind, 6.0) + abs(wobble) / 100, "memory_percent": 9.0}
        for gpu in range(self.job.gpus):
            load, power = busy
            if kind == "dead-rank":
                load, power = (0.0, 90.0) if gpu == 3 else (100.0, 150.0)
            if kind == "one-gpu-silent":
                load, power = (0.0, 90.0) if gpu == 3 else (93.0, 400.0)
            moves = wobble if 5 < load < 99 else 0.0
            found[f"gpu.{gpu}.gpu"] = load + moves
            found[f"gpu.{gpu}.powerWatts"] = 0.0 if gpu % 2 else power + 5 * moves
        return found

    def look(self, t: float) -> Look | None:
        """What the server tells at a time; None where it does not answer."""
        if any(a <= t < b for a, b in self.job.away):
            return None
        sent = bisect_right(self._uploads, t)
        if not sent:
            return Look(state="running", created_at=0.0, heartbeat_at=0.0, cores=128)
        upload = self._uploads[sent - 1]
        rows = bisect_right(self.rows, upload)
        bad = (
            self.job.fault == "nan"
            and self.job.fault_s is not None
            and rows
            and self.rows[rows - 1] >= self.job.fault_s
        )
        age = 86_400.0 if self.job.synced else 0.0
        silent = t - upload > 300 and not self.job.away
        return Look(
            state="crashed" if silent else "running",
            created_at=0.0,
            heartbeat_at=upload,
            rows=rows,
            last_row_at=self.rows[rows - 1] - age if rows else None,
            odd=("loss",) if bad else (),
            system=self.system(upload),
            cores=128,
        )


def watched(job: Job) -> tuple[float, str] | None:
    """Watch a job to its end; return when the first alarm came and which, or None."""
    simulation, track, now = Simulation(job), Track(job.joined_s), job.joined_s
    while now < job.lasts_s:
        for start, end in job.asleep:
            now = end + 1.0 if start <= now < end else now
        waits = any(a <= now < b for a, b in job.requeued)
        track.queued("PENDING" if waits else "RUNNING" if job.requeued else None, now)
        look = simulation.look(now)
        if look is None:
            track.failed(now)
        else:
            track.take(look, now)
            if look.odd:
                return now, "nan"
            if (life := track.life(now)) and (found := troubles(life)):
                return now, f"{found[0].id}: {' '.join(found[0].observed)}"
            if look.state == "crashed" and not waits:
                return now, "crashed"
        now = track.next_look(now, track.life(now))
    return None
