"""The attempts of one run: a job that was requeued, or a chain of jobs, goes on with it in a directory for each."""

from harness.evidence.models import Evidence, LocalRun
from harness.judging.duplicates import began_anew
from harness.judging.view import final_server


def attempts(run: LocalRun, evidence: Evidence) -> tuple[LocalRun, ...]:
    """Return the directories of this run, the earliest first."""
    same = [other for other in evidence.local.runs if other.run_id == run.run_id]
    return tuple(sorted(same, key=began_at))


def made_good(run: LocalRun, evidence: Evidence) -> bool:
    """Whether a later attempt went on with the run, and the server has in the end every row that is known of.

    An attempt that was killed leaves a log without an end. Nothing is lost by it where the rows are on the server, sent
    in time or logged again after the last checkpoint.
    """
    every = attempts(run, evidence)
    server = next((s for s in final_server(evidence).runs if s.id == run.run_id), None)
    if run.offline or server is None or every[-1] is run or began_at(every[-1]) <= began_at(run):
        return False
    if began_anew(evidence, every[-1]):
        return False
    # Directories of one moment are those of ranks that share the id.
    ended = run.touched_at if run.touched_at is not None else run.log.history_last_time
    if ended is None or ended > began_at(every[-1]) + 1.0:
        return False
    logged = {r.log.last_step for r in every if r.log.last_step is not None}
    printed = {epoch.epoch for epoch in evidence.job.output.epochs} if evidence.job else set()
    rows, last = server.rows or 0, server.last_step
    return rows >= len(printed) and (last is None or last >= max(logged, default=0)) and server.state == "finished"


def began_at(run: LocalRun) -> float:
    """When the directory was begun, in unix seconds."""
    exact = run.log.run.start_time if run.log.run else None
    return exact or run.started_at or 0.0
