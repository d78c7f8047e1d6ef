"""Reads the signs of life of a running job out of its evidence; there are none where nothing says that it lives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.evidence.models import Evidence, JsonValue, LocalRun, ServerRun, SlurmJob
from harness.evidence.models.slurm_states import base
from harness.judging.live.activity import Samples, Series, activity, at_work, silent
from harness.judging.live.life import NONE, Beat, Life
from harness.judging.live.rhythm import gaps_by_step, gaps_of, rhythm
from harness.judging.metric_series import number, where_to_look
from harness.judging.once import once
from harness.judging.run_end import job_over, last_sign, life
from harness.judging.view import main_local_run, main_server_run

RUNNING = ("running", "preempting")
"""States in which the server takes a run for one that goes on."""
FRESH_S = 300.0
"""W&B takes a run for crashed when nothing came of it for so long."""
CLOCKS_S = 10.0
"""Clocks that differ by less are taken for the same."""


@once
def life_of(evidence: Evidence) -> Life | None:
    """Return the signs of life of a run that still runs, as far as its evidence tells."""
    job, request = evidence.job, evidence.request
    if job_over(evidence) or (request.source == "job" and (job is None or job.ending != "running")):
        return None
    server, local = main_server_run(evidence), main_local_run(evidence)
    if where_to_look(evidence) == "server":
        if server is None:
            return _of_job(evidence) if request.source == "job" else None
        return _read(evidence, server, local) if server.state in RUNNING else None
    if local is None or local.log.has_exit or not _lives(local, evidence):
        return _of_job(evidence) if local is None and request.source == "job" else None
    return _read(evidence, server, local)


def _lives(local: LocalRun, evidence: Evidence) -> bool:
    """Whether the writer of a log was seen, or wrote so lately that W&B would call the run running."""
    now, last = life(local, evidence), last_sign(local)
    fresh = last is not None and 0 <= evidence.created_at - last <= FRESH_S
    return now == "alive" or (now == "unknown" and fresh)


def _of_job(evidence: Evidence) -> Life:
    job = evidence.job
    return Life(
        now=evidence.created_at, begun_at=job.started_at if job else None, run=False,
        scheduler=_state(job.slurm if job else None),
        output=Beat(job.output.touched_at, count=job.output.lines) if job else NONE,
    )  # fmt: skip


def _read(evidence: Evidence, server: ServerRun | None, local: LocalRun | None) -> Life:
    begun = (server.created_at if server else None) or (local.started_at if local else None)
    disk = rows_on_disk(local) if local else NONE
    on_server = where_to_look(evidence) == "server"
    steps = _rows_on_server(server) if server and on_server else disk
    samples, system = _samples(server if on_server else None, local)
    metadata = (server.metadata if server and on_server else local.metadata if local else {}) or {}
    doing, seen = activity(samples, steps.last_at or begun or 0.0, _cores(metadata, local))
    resting, job = silent(samples, steps.last_at or 0.0), evidence.job
    ahead = (evidence.server.clock_ahead_s if on_server else None) or 0.0
    # A cluster has one clock (munge refuses another): what a job dates that was found there is dated by the one here.
    theirs = ahead if evidence.request.source == "job" else 0.0
    steps, system, disk = (_moved(beat, theirs) for beat in (steps, system, disk))
    known = (steps.last_at, system.last_at, server.heartbeat_at if server else None, begun)
    return Life(
        now=apart(evidence.created_at, ahead) or max((at for at in known if at is not None), default=0.0),
        begun_at=begun,
        where="server" if on_server else "disk",
        heartbeat=Beat(server.heartbeat_at) if server else NONE,
        steps=steps,
        system=system,
        disk=disk,
        output=_moved(Beat(job.output.touched_at, count=job.output.lines), ahead) if job else NONE,
        process=local.writer if local else None,
        scheduler=_state(job.slurm if job else None),
        activity=doing,
        seen=seen,
        gpus=at_work(samples),
        silent=resting,
        synced_later=on_server and steps.last_at is not None and begun is not None and steps.last_at < begun - 1.0,
    )


def apart(at: float, ahead: float) -> float:
    """Return a time by the other side's clock, which ours is ahead of; they differ a little with every answer."""
    return at - ahead if abs(ahead) > CLOCKS_S else at


def _moved(beat: Beat, ahead: float) -> Beat:
    """Return a layer's sign by the other side's clock."""
    return beat if beat.last_at is None else replace(beat, last_at=apart(beat.last_at, ahead))


def _state(slurm: SlurmJob | None) -> str | None:
    return base(slurm.states[-1].state) if slurm and slurm.states else None


def _rows_on_server(run: ServerRun) -> Beat:
    """The rows: their times are those of the series that was sampled best."""
    best = max(run.series.values(), key=lambda s: (max(s.times, default=0.0), len(s.times)), default=None)
    if best is None or not best.times:
        return Beat(count=run.rows or 0)
    steps = [step for step, _ in best.sketch] if len(best.sketch) == len(best.times) else range(len(best.times))
    return Beat(max(best.times), rhythm(gaps_by_step(list(steps), best.times)), run.rows or 0)


def rows_on_disk(run: LocalRun) -> Beat:
    """The rows in the log of a run."""
    log = run.log
    gaps = gaps_of(log.row_times)
    longest = log.longest_pause_s or 0.0
    found = rhythm((*gaps, longest) if gaps and longest > max(gaps) else gaps)
    return Beat(log.history_last_time, found, log.history_rows)


def _samples(server: ServerRun | None, local: LocalRun | None) -> tuple[Samples, Beat]:
    """System metrics by key at unix times, and when the newest of them was taken."""
    if server is not None:
        series = {s.key: s.sketch for s in server.system.values()}
        last = server.system_last_at
        newest = max((sketch[-1][0] for sketch in series.values() if sketch), default=0.0)
        begun = last - newest if last is not None else server.created_at or 0.0
    elif local is not None:
        log = local.log
        series = {key: _numbers(s.sketch) for key, s in log.system.items()}
        begun, last = log.system_first_time or 0.0, log.system_last_time
    else:
        return {}, NONE
    found = {
        key.removeprefix("system."): Series([begun + at for at, _ in sketch], [value for _, value in sketch])
        for key, sketch in series.items()
    }
    longest: Sequence[float] = max((s.times for s in found.values()), key=len, default=())
    return found, Beat(last, rhythm(gaps_of(longest)), len(longest))


def _numbers(sketch: Sequence[tuple[float, JsonValue]]) -> tuple[tuple[float, float], ...]:
    return tuple((at, value) for at, raw in sketch if (value := number(raw)) is not None)


def _cores(metadata: Mapping[str, JsonValue], local: LocalRun | None) -> int | None:
    environment = local.log.environment if local else None
    told = (metadata.get("cpu_count_logical"), metadata.get("cpu_count"),
            *((environment.cpu_count_logical, environment.cpu_count) if environment else ()))  # fmt: skip
    return next((count for count in told if isinstance(count, int) and count > 0), None)
