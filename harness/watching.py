"""Watches a job and the server at the same time, so that "visible while it ran" is evidence, not hope."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.evidence.job_output import OutputReader
from harness.evidence.models import ServerReading, Trouble, Watch
from harness.progress import Moment, Progress
from harness.targets.base import Target

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
        if reading.status == "failed":
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
        self.readings: queue.SimpleQueue[tuple[float, ServerReading]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._poll, name="server poller", daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while not self._stop.wait(self._every_s):
            asked_at = time.monotonic()
            reading = self._glance()
            if reading is not None:
                self.readings.put((asked_at, reading))

    def stop(self, patience_s: float) -> None:
        """Let a look that is under way end, but not longer than `patience_s` seconds."""
        self._stop.set()
        self._thread.join(patience_s)


def follow(
    target: Target,
    output: OutputReader,
    poller: Poller | None,
    progress: Progress,
    moment: Moment,
    limit_s: float,
) -> Watch:
    """Follow a job to its end; a job that runs longer than `limit_s` seconds is ended, and says so."""
    begun = time.monotonic()
    sightings = Sightings()
    while True:
        running = target.running()
        while lines := target.new_lines():
            output.feed(lines)
        if poller:
            _take(poller, sightings, begun)
        _tell(progress, moment, target, output, sightings, begun)
        if not running:
            break
        if time.monotonic() - begun > limit_s:
            target.cancel(f"the limit of {limit_s:.0f} s for the whole job was reached")
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
