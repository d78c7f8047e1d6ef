"""Tells of a run without an end whether its process is over, or that this cannot be known from here."""

from typing import Literal

from harness.evidence.models import Evidence, LocalRun
from harness.judging.view import final_server

LONGEST_S = 86_400.0
"""Seconds without a record after which a run is over.

A log grows by pieces: SDK 0.19 was seen to write none for more than five minutes, and the times of files tell of a copy
as they do of a writer. A day is long enough for any SDK that lives, since it samples the system every few seconds.
"""


def job_over(evidence: Evidence) -> bool | None:
    """Whether the job has ended, as it was seen or as its output tells; None where neither says so."""
    job = evidence.job
    if evidence.request.source != "job" and (job is None or job.ending == "unknown"):
        return None
    return job is not None and job.ending not in ("not_submitted", "refused", "pending", "running")


def life(run: LocalRun, evidence: Evidence) -> Literal["alive", "over", "unknown"]:
    """Judge by the process, the log, the job and the server, and last by the age of what the log holds."""
    if run.writer:
        return "alive" if run.writer == "alive" else "over"
    states = [server.state for server in final_server(evidence).runs if server.id == run.run_id]
    if run.log.has_exit or run.sdk_logs.closed or job_over(evidence) or any(state != "running" for state in states):
        return "over"
    last = last_sign(run)
    old = last is not None and evidence.created_at - last > LONGEST_S
    return "over" if old and not states else "unknown"


def cut_off_afterwards(run: LocalRun) -> bool:
    """Whether the SDK closed the run, and its log has no whole end all the same: a copy, or a disk, lost a part."""
    return run.sdk_logs.closed and run.log.status != "complete" and not run.log.has_exit


def last_sign(run: LocalRun) -> float | None:
    """When the newest record on disk was made, else when the run began: a copy of the folder keeps both."""
    log = run.log
    times = (log.history_last_time, log.system_last_time, run.started_at)
    return max((t for t in times if t is not None), default=None)
