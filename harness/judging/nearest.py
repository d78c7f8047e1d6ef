"""The facts nearest to a failure that no rule explains: what happened last, and where the sources part."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from harness.evidence.models import Evidence, LocalRun, ServerRun
from harness.judging.case import Case
from harness.judging.run_end import cut_off_afterwards
from harness.judging.view import final_server, main_local_run, main_server_run

LAST_S = 10.0
"""How long before the end a moment is still told of, and how long after it."""
MOST = 8
Layer = Literal["script", "scheduler", "disk", "server"]


@dataclass(frozen=True)
class Parting:
    """What each source says of the end, and the first layer that contradicts the one before it."""

    words: str
    layer: Layer | None


def timeline(evidence: Evidence) -> tuple[str, ...]:
    """What happened in the last seconds before the job's end, or before the last thing that is known; in order."""
    moments = sorted(_moments(evidence))
    if not moments:
        return ()
    end = evidence.job.ended_at if evidence.job and evidence.job.ended_at else moments[-1][0]
    near = [(at - end, what) for at, what in moments if abs(at - end) <= LAST_S]
    return tuple(f"{_when(at)}: {what}" for at, what in near[-MOST:])


def _when(seconds: float) -> str:
    if abs(seconds) < 0.05:
        return "At the end"
    return f"{abs(seconds):.1f} s {'before' if seconds < 0 else 'after'} the end"


def _moments(evidence: Evidence) -> Iterator[tuple[float, str]]:
    """Every moment of which a source tells, in unix seconds."""
    job, server = evidence.job, main_server_run(evidence)
    if job and job.started_at:
        yield job.started_at, "the job started"
    if job and job.ended_at:
        yield job.ended_at, f"the job ended as {job.ending.replace('_', ' ')}"
    for state in job.slurm.states if job and job.slurm else ():
        yield state.at, f"Slurm: {state.state}{f' ({state.reason})' if state.reason else ''}"
    for run in evidence.local.runs[:MOST]:
        yield from _on_disk(run)
    if server and server.heartbeat_at:
        yield server.heartbeat_at, f"the server last heard of run {server.id}"


def _on_disk(run: LocalRun) -> Iterator[tuple[float, str]]:
    log, name = run.log, f"run {run.run_id}"
    begun = log.run.start_time if log.run and log.run.start_time else run.started_at
    told = (
        (begun, f"wandb.init() began {name}"),
        (log.history_last_time, f"{name} logged its last row" + (f", step {log.last_step}" if log.last_step else "")),
        (log.system_last_time, f"{name} took its last system sample"),
        (run.touched_at, f"the SDK wrote to the folder of {name} for the last time"),
    )
    yield from ((at, what) for at, what in told if at is not None)
    for line in run.sdk_logs.lines[-MOST:]:
        if (at := _parsed(line.at)) is not None:
            yield at, f"{line.file}: {line.text[:200]}"


def _parsed(text: str | None) -> float | None:
    """The time of a log line that tells its zone: without one nobody knows, elsewhere, which hour it was."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text or "")
    if match is None:
        return None
    zone = match[4].replace("Z", "+00:00")
    return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").timestamp() + float(match[3] or 0)


def parting(case: Case) -> Parting:
    """Lay the sources side by side: the job, the scheduler, the disk, the server."""
    evidence = case.evidence
    server = main_server_run(evidence)
    same = (run for run in evidence.local.runs if server and run.run_id == server.id)
    local = next(same, None) or main_local_run(evidence)
    words = [*_job(evidence), *_disk(evidence, local), *_server(evidence, server)]
    layer = _layer(evidence, local, server)
    where = {
        "scheduler": "Job and scheduler part.", "disk": "Job and disk part.", "server": "Disk and server part.",
        "script": "Nothing was logged, so nothing could be lost.",
    }  # fmt: skip
    return Parting(f"{'; '.join(words)}.{f' {where[layer]}' if layer else ''}", layer)


def _layer(evidence: Evidence, local: LocalRun | None, server: ServerRun | None) -> Layer | None:
    job = evidence.job
    slurm = job.slurm if job else None
    if job and slurm and slurm.final_state and (slurm.final_state == "COMPLETED") != (job.ending == "completed"):
        return "scheduler"
    if local is None:
        return "script" if server is None and job is not None else None
    if job and job.ending == "completed" and not local.log.has_exit:
        return "disk"
    if final_server(evidence).status != "read" or local.offline:
        return None
    if server is None or server.id != local.run_id:
        return "server"
    ended = {0: "finished", None: "running"}.get(local.log.exit_code, "failed")
    return "server" if (server.rows or 0) != local.log.history_rows or server.state != ended else None


def _job(evidence: Evidence) -> Iterator[str]:
    job = evidence.job
    if job is None:
        return
    code = f", exit code {job.exit_code}" if job.exit_code is not None else ""
    yield f"the job ended as {job.ending.replace('_', ' ')}{code}"
    if job.slurm and job.slurm.final_state:
        yield f"Slurm: {job.slurm.final_state} {job.slurm.exit_code or ''}".rstrip()
    for step in job.slurm.steps if job.slurm and job.ending == "completed" else ():
        if step.state.startswith("FAILED"):  # and the batch script went on
            yield f"its step {step.id}: {step.state} {step.exit_code}".rstrip()


def _disk(evidence: Evidence, local: LocalRun | None) -> Iterator[str]:
    if local is None:
        yield "disk: no run"
        return
    closed = f"closed with exit code {local.log.exit_code}" if local.log.has_exit else _no_end(local)
    others = len(evidence.local.runs) - 1
    yield f"disk: run {local.run_id}, {local.log.history_rows} rows, {closed}{f', and {others} more' if others else ''}"


def _no_end(local: LocalRun) -> str:
    return "closed by the SDK, and cut off afterwards" if cut_off_afterwards(local) else "never closed"


def _server(evidence: Evidence, server: ServerRun | None) -> Iterator[str]:
    reading = final_server(evidence)
    if reading.status != "read":
        yield f"server: {reading.status.replace('_', ' ')}"
    elif server is None:
        yield "server: no run"
    else:
        others = reading.runs_total - 1
        more = f", and {others} more" if others > 0 else ""
        yield f"server: run {server.id}, {server.rows or 0} rows, {server.state or 'of no state'}{more}"
