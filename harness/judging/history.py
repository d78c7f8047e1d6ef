"""The time line of a job that was started again, or that went on with an earlier job's run; losses by attempt."""

from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from harness.evidence.models import Evidence, LocalRun, SlurmAttempt
from harness.judging.attempts import attempts, began_at
from harness.judging.duplicates import began_anew
from harness.judging.view import final_server, find_lines, main_local_run


class AttemptSummary(BaseModel):
    """One start of the job, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    started_at: float | None
    """Unix seconds."""
    nodes: tuple[str, ...] = ()
    state: str = ""
    """How it ended, in Slurm's word."""
    run: str | None = None
    text: str
    """What it did with the run, and what was lost of it."""


def history(evidence: Evidence) -> tuple[AttemptSummary, ...]:
    """Return the attempts, the earliest first; empty for a job that began once and with a run of its own."""
    slurm = evidence.job.slurm if evidence.job else None
    starts: tuple[SlurmAttempt | None, ...] = slurm.attempts if slurm else ()
    runs = _in_turn(evidence)
    if not starts:
        if len(runs) < 2 and not any(_first_step(run, evidence) for run in runs):
            return ()
        pairs: list[tuple[SlurmAttempt | None, LocalRun | None]] = [(None, run) for run in runs]
    else:
        pairs = [(start, next((r for r in runs if _within(r, start)), None)) for start in starts]
    followers = [*(run for _, run in pairs[1:]), None]
    before: list[LocalRun] = []
    found = []
    for (start, run), following in zip(pairs, followers, strict=True):
        parts = [_did(run, before, evidence), _lost(run, following, evidence)]
        before += [run] if run else []
        found.append(
            AttemptSummary(
                started_at=start.started_at if start else began_at(run) if run else None,
                nodes=start.nodes if start else (), state=start.state if start else "",
                run=run.run_id if run else None, text="; ".join(part for part in parts if part),
            )
        )  # fmt: skip
    return tuple(found)


def _in_turn(evidence: Evidence) -> list[LocalRun]:
    """The directories of the job that follow each other; of those that lie side by side the first."""
    main = main_local_run(evidence)
    if main is None:
        return []
    slurm = evidence.job.slurm if evidence.job else None
    runs = sorted(evidence.local.runs, key=began_at) if slurm and slurm.attempts else list(attempts(main, evidence))
    if len(runs) < 2:
        return runs
    return [runs[0], *(run for earlier, run in pairwise(runs) if _ended_before(earlier, run))]


def _ended_before(earlier: LocalRun, run: LocalRun) -> bool:
    ended = earlier.touched_at if earlier.touched_at is not None else began_at(earlier)
    return began_at(run) > max(ended, began_at(earlier)) + 1.0


def _within(run: LocalRun, start: SlurmAttempt | None) -> bool:
    if start is None or start.started_at is None:
        return False
    until = start.ended_at if start.ended_at is not None else began_at(run)
    return start.started_at - 1.0 <= began_at(run) <= max(until, start.started_at) + 1.0


def _first_step(run: LocalRun, evidence: Evidence) -> int:
    """The step from which a resumed run goes on; 0 for one that begins.

    0.31 writes the run's record before the server says that the run was there: then the first row tells.
    """
    told = run.log.run.starting_step if run.log.run else 0
    every = attempts(run, evidence)
    said = len(every) == 1 and bool(find_lines(evidence, r"wandb: Resuming run ", limit=1))
    return told or (run.log.first_step or 0 if said or run is not every[0] else 0)


def _did(run: LocalRun | None, before: list[LocalRun], evidence: Evidence) -> str:
    if run is None:
        return "it made no run"
    log, first = run.log, _first_step(run, evidence)
    known = any(earlier.run_id == run.run_id for earlier in before)
    if known and began_anew(evidence, run):
        how = f"began run {run.run_id} anew"
    elif first:
        how = f"went on with run {run.run_id}" + ("" if before else " of an earlier job")
    else:
        how = f"went on with run {run.run_id}" if known else f"began run {run.run_id}"
    if log.last_step is None:
        return f"{how}{f' at step {first}' if first else ''}; its log on disk holds no step"
    return f"{how}, steps {log.first_step} to {log.last_step}"


def _lost(run: LocalRun | None, following: LocalRun | None, evidence: Evidence) -> str:
    """What was lost of an attempt, by what the next one found on the server, or by what the server has in the end."""
    if run is None:
        return ""
    last = run.log.last_step
    if following is None:
        server = next((s for s in final_server(evidence).runs if s.id == run.run_id), None)
        if server is None or last is None or server.last_step is None:
            return ""
        there = server.last_step >= last
        return "nothing of it is lost" if there else f"steps {server.last_step + 1} to {last} are not on the server"
    if following.run_id != run.run_id:
        return "the next attempt made another run"
    if began_anew(evidence, following):
        return "the next attempt did not resume it: the server has these steps no more"
    found = _first_step(following, evidence)
    if last is None:
        had = f"it up to step {found - 1}" if found else "no step of it"
        return f"the server had {had} when the next attempt began"
    if found > last:
        return "nothing of it is lost"
    again = following.log.last_step is not None and following.log.last_step >= last
    one = found == last
    missing, them, are = (f"step {last}", "it", "is") if one else (f"steps {found} to {last}", "them", "are")
    return f"{missing} had not been sent" + (f": the next attempt logged {them} again" if again else f" and {are} lost")
