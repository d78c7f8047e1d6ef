"""When things happened: the moments of job, run and server on one clock, in unix seconds."""

import math
from dataclasses import dataclass
from typing import Literal

from harness.evidence.models import Evidence
from harness.judging.metric_series import judged
from harness.judging.view import main_local_run, main_server_run
from harness.report.charts.scale import Scale

Kind = Literal["job", "run", "seen", "harness"]


@dataclass(frozen=True)
class Event:
    """A moment worth telling."""

    at: float
    text: str
    kind: Kind


@dataclass(frozen=True)
class Stretch:
    """Something that lasted; `lane` is the row of the time line that it stands in."""

    lane: Literal["job", "run", "seen", "harness"]
    text: str
    start: float
    end: float
    look: str


@dataclass(frozen=True)
class Moments:
    """What is known of the times; None where nothing tells."""

    submitted: float | None
    started: float | None
    ended: float | None
    run_begun: float | None
    run_ended: float | None
    run_seen: float | None
    point_seen: float | None
    system_seen: float | None
    logged: tuple[float, ...]
    """When rows were logged, as far as it is known."""
    zero: float | None
    """What the pictures call 0: the job's start, or what comes nearest to it."""


def moments(evidence: Evidence) -> Moments:
    """Gather the times from scheduler, disk, server and watch."""
    job, watch = evidence.job, evidence.watch
    states = job.slurm.states if job and job.slurm else ()
    started = job.started_at if job else None
    if started is None:
        started = next((s.at for s in states if s.state == "RUNNING"), None)
    local, server = main_local_run(evidence), main_server_run(evidence)
    log = local.log if local else None
    begun = (log.run.start_time if log and log.run else None) or (server.created_at if server else None)
    on_disk = (log.history_last_time, log.system_last_time) if log else ()
    ends = [t for t in (*on_disk, server.heartbeat_at if server else None) if t is not None]
    job_span = next((s.start for s in evidence.spans if s.name == "job"), None)
    submitted = states[0].at if states else job_span if job and job.ending != "not_submitted" else None

    def after_start(seconds: float | None) -> float | None:
        return None if seconds is None or started is None else started + seconds

    return Moments(
        submitted=submitted, started=started, ended=job.ended_at if job else None,
        run_begun=begun, run_ended=max(ends, default=None),
        run_seen=after_start(watch.run_visible_s) if watch else None,
        point_seen=after_start(watch.first_point_s) if watch else None,
        system_seen=after_start(watch.first_system_metric_s) if watch else None,
        logged=_logged(evidence), zero=started or begun or submitted,
    )  # fmt: skip


def _logged(evidence: Evidence) -> tuple[float, ...]:
    """Times that the server has, and the first and last of the disk: rows may have stayed there."""
    server, local = main_server_run(evidence), main_local_run(evidence)
    expected = judged(evidence).values()
    sets = [s.times for key, s in server.series.items() if key in expected] if server else []
    ends = (local.log.history_first_time, local.log.history_last_time) if local else ()
    times = {*max(sets, key=len, default=()), *(t for t in ends if t is not None)}
    return tuple(sorted(t for t in times if math.isfinite(t)))


def events(evidence: Evidence, found: Moments) -> list[Event]:
    """Tell what happened, in order."""
    job = evidence.job
    slurm = job.slurm if job else None
    told: list[tuple[float | None, str, Kind]] = []
    if slurm:
        told += [(s.at, f"Slurm: {s.state}" + (f" ({s.reason})" if s.reason else ""), "job") for s in slurm.states]
    else:
        told.append((found.started, "job started", "job"))
    told += [
        (found.run_begun, "wandb.init(): the run began", "run"),
        (found.logged[0] if found.logged else None, "first point logged", "run"),
        (found.run_seen, "run visible on the server", "seen"),
        (found.point_seen, "first point visible on the server", "seen"),
        (found.system_seen, "first system metric visible on the server", "seen"),
        (found.logged[-1] if len(found.logged) > 1 else None, "last point logged", "run"),
        (found.run_ended, "last sign of the run", "run"),
        (found.ended, f"job ended: {job.ending}" if job else "", "job"),
    ]
    if evidence.request.source == "job":
        names = {"sync": "wandb sync ended", "server": "server read back"}
        told += [(s.end, names[s.name], "harness") for s in evidence.spans if s.name in names]
    kept = [Event(at, text, kind) for at, text, kind in told if at is not None and math.isfinite(at)]
    return sorted(kept, key=lambda e: e.at)


def stretches(evidence: Evidence, found: Moments) -> list[Stretch]:
    """Tell what lasted: queue, job, run, what could be seen, and the harness's own work."""
    told: list[Stretch] = []

    def lasted(lane: Kind, text: str, start: float | None, end: float | None, look: str) -> None:
        if start is not None and end is not None and end >= start:
            told.append(Stretch(lane, text, start, end, look))

    end = found.ended or found.run_ended
    if found.submitted is not None and found.started is not None and found.started - found.submitted > 1:
        lasted("job", "queued", found.submitted, found.started, "wait")
    lasted("job", "ran", found.started, end, "work")
    lasted("run", "run", found.run_begun, found.run_ended or end, "work")
    lasted("seen", "run visible on the server", found.run_seen, end, "good")
    lasted("seen", "first system metric visible on the server", found.system_seen, end, "good")
    lasted("seen", "first point visible on the server", found.point_seen, end, "good")
    if evidence.request.source == "job":
        names = {"server": "reading the server", "sync": "wandb sync"}
        for span in evidence.spans:
            if span.name != "job":
                lasted("harness", names.get(span.name, span.name), span.start, span.end, "own")
    return told


def time_scale(evidence: Evidence, found: Moments, samples_end: float | None) -> Scale | None:
    """Return the axis that all pictures over time share, in seconds after zero; None where no time is known.

    A long wait in the queue is cut, so that the job itself is not squeezed into a corner.
    """
    if found.zero is None:
        return None
    own = [s.end for s in evidence.spans if s.end is not None] if evidence.request.source == "job" else []
    last = [t for t in (found.ended, found.run_ended, found.point_seen, samples_end, *found.logged) if t is not None]
    work = max((t - found.zero for t in last if math.isfinite(t)), default=0.0)
    reading = max((t - found.zero for t in own), default=0.0)
    high = max(work, min(reading, work * 1.5 + 10.0), 1.0)
    begun = min((t - found.zero for t in (found.submitted, *(s.start for s in evidence.spans[:1])) if t), default=0.0)
    low = max(min(0.0, begun if own else 0.0), -0.15 * high)
    return Scale(low, high)
