"""Watches a job and the server at the same time, so that "visible while it ran" is evidence, not hope."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.evidence.models import ServerReading, Trouble, Watch
from harness.evidence.output.reader import OutputReader
from harness.targets.base import Target
from harness.verification.progress import Moment, Progress

LOOK_S = 5.0
BUSY = 0.05
"""Share of one core below which a silent job counts as idle; the SDK's own sampling takes 1 to 3 %."""

Glance = Callable[[], ServerReading | None]
"""Looks at the server once; None while it is not known where to look."""


@dataclass
class Sightings:
    """Times of first sight, collected while the job runs."""

    polls: int = 0
    failed: int = 0
    seen: dict[str, float] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def note(self, reading: ServerReading, at: float) -> None:
        """Take in one look at the server, made `at` seconds after the job's start."""
        self.polls += 1
        # A project comes to be with its first run: that it is not there yet is an answer.
        denied = reading.trouble is not None and reading.trouble.kind == "not_found"
        if reading.status == "failed" and not denied:
            self.failed += 1
            if reading.trouble and len(self.troubles) < 5:
                self.troubles.append(reading.trouble)
            return
        self.seen["poll"] = at
        if reading.runs:
            self.seen.setdefault("run", at)
        if any(series.count for run in reading.runs for series in run.series.values()):
            self.seen.setdefault("point", at)
        if any(run.system for run in reading.runs):
            self.seen.setdefault("system", at)

    def watch(self, ended_s: float | None) -> Watch:
        """Freeze what was seen."""
        return Watch(
            polls=self.polls,
            failed_polls=self.failed,
            run_visible_s=self.seen.get("run"),
            first_point_s=self.seen.get("point"),
            first_system_metric_s=self.seen.get("system"),
            last_poll_s=self.seen.get("poll"),
            job_ended_s=ended_s,
            troubles=tuple(self.troubles),
        )


class Poller:
    """Looks at the server in a thread of its own, so that a slow server does not hold up the job's watch."""

    def __init__(self, glance: Glance, every_s: float) -> None:
        self._glance = glance
        self._every_s = every_s
        self._stop = threading.Event()
        self._asked_at: float | None = None
        self.readings: queue.SimpleQueue[tuple[float, ServerReading]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._poll, name="server poller", daemon=True)

    def start(self) -> None:
        """Begin to look; a job that waits in the queue has nothing to show."""
        self._thread.start()

    def _poll(self) -> None:
        while not self._stop.wait(self._every_s):
            self._asked_at = asked_at = time.monotonic()
            reading = self._glance()
            if reading is not None:
                self.readings.put((asked_at, reading))
            self._asked_at = None

    def stop(self, patience_s: float) -> None:
        """Let a look that is under way end, but not longer than `patience_s` seconds; then it counts as failed."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(patience_s)
        if (asked_at := self._asked_at) is not None:
            late = Trouble(kind="timeout", text="a look at the server was not answered before the job's end")
            self.readings.put((asked_at, ServerReading(status="failed", trouble=late)))


class Idleness:
    """Tells a job that hangs from one that works: no output and hardly any CPU time for a long while.

    The SDK itself may wait 90 s for `wandb.init()`, so the limit must be longer than that.
    """

    def __init__(self, limit_s: float, now: float) -> None:
        self._limit_s = limit_s
        self._since = now
        self._cpu_s: float | None = None
        self._looked = now

    def look(self, now: float, *, spoke: bool, cpu_seconds: Callable[[], float | None]) -> float | None:
        """Return for how many seconds the job has hung, once that is longer than the limit; else None."""
        if spoke:
            self._since, self._cpu_s = now, None
        if now - self._looked < LOOK_S:
            return None
        self._looked = now
        cpu_s = cpu_seconds()
        if cpu_s is None:
            return None
        if self._cpu_s is None or cpu_s - self._cpu_s > BUSY * (now - self._since) + 0.5 or cpu_s < self._cpu_s:
            self._since, self._cpu_s = now, cpu_s
        return now - self._since if now - self._since > self._limit_s else None


def follow(
    target: Target,
    output: OutputReader,
    poller: Poller | None,
    progress: Progress,
    moment: Moment,
    idle_limit_s: float,
) -> Watch:
    """Follow a job to its end; a job that neither speaks nor computes for `idle_limit_s` seconds is ended."""
    begun = time.monotonic()
    waiting = True
    sightings = Sightings()
    idleness = Idleness(idle_limit_s, begun)
    while True:
        running = target.running()
        if waiting and target.started():
            waiting, begun = False, time.monotonic()
            if poller:
                poller.start()
        spoke = False
        while lines := target.new_lines():
            spoke = True
            output.feed(lines)
        if poller:
            _take(poller, sightings, begun)
        _tell(progress, moment, target, output, sightings, begun)
        if not running:
            break
        if hung := idleness.look(time.monotonic(), spoke=spoke, cpu_seconds=target.cpu_seconds):
            target.cancel(f"it neither printed nor computed anything for {hung:.0f} s, so the harness stopped it")
        time.sleep(target.poll_s)
    ended_s = time.monotonic() - begun
    if poller:
        poller.stop(patience_s=5.0)
        _take(poller, sightings, begun, until_s=ended_s)
    return sightings.watch(ended_s)


def _take(poller: Poller, sightings: Sightings, begun: float, until_s: float | None = None) -> None:
    """Take in looks that were asked for while the job ran; later ones prove nothing about it."""
    while not poller.readings.empty():
        at, reading = poller.readings.get()
        if until_s is None or at - begun <= until_s:
            sightings.note(reading, at - begun)


def _tell(
    progress: Progress, moment: Moment, target: Target, output: OutputReader, sightings: Sightings, begun: float
) -> None:
    moment.phase = target.phase()
    moment.started_s = time.monotonic() - begun
    if last := output.last_epoch():
        moment.epoch, moment.loss = last.epoch, last.loss
    if link := output.first_link():
        moment.run_url = link.url
    moment.first_point_s = sightings.seen.get("point")
    moment.first_system_metric_s = sightings.seen.get("system")
    progress.show(moment)
