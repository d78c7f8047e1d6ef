"""Keeps the runs that are the job's: by its token, the Slurm ids that the SDK recorded, its output, hosts and times.

In this order, and each only as far as nothing better speaks: a neighbour of the same user, with the same names and at
the same time, has a token or Slurm ids of its own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

from harness.evidence.models import Evidence, LocalReading, LocalRun, ServerReading, ServerRun, SlurmJob

MOST_OTHERS = 1000
CLOCKS_S = 60.0
"""Seconds by which the clocks of two nodes, and Slurm's whole seconds, may differ."""


@dataclass(frozen=True)
class _Marked:
    """What the runs tell that carry the job's token, wherever they were seen."""

    ids: frozenset[str]
    numbers: frozenset[str]
    """Slurm's job ids in them: a script may start again what it gives such a number to."""


def own(evidence: Evidence) -> Evidence:
    """Leave out runs of others that happened to be found: in a folder that jobs share, or by their ids."""
    if evidence.request.source != "job":
        return evidence
    marked = _marked(evidence)
    local, theirs = _own_local(evidence, marked)
    if not _part_asked(evidence):
        theirs -= marked.ids or {run.id for run in _server_runs(evidence) if _speaks(run, evidence, marked)}
    change: dict[str, object] = {"local": local, "server": _own_server(evidence, evidence.server, theirs, marked)}
    if evidence.synced:
        change["synced"] = _own_server(evidence, evidence.synced, theirs, marked)
    return evidence if all(getattr(evidence, k) is v for k, v in change.items()) else evidence.model_copy(update=change)


def carries(run: LocalRun | ServerRun, token: str | None) -> bool:
    """Whether the job's token is among the run's tags, or is its group."""
    facts = run.log.run if isinstance(run, LocalRun) else run
    return token is not None and facts is not None and (token in facts.tags or facts.group == token)


def slurm_of(run: LocalRun | ServerRun) -> dict[str, str]:
    """Return the variables of Slurm that the SDK recorded, without `SLURM_` and in small letters."""
    found = run.log.environment.slurm if isinstance(run, LocalRun) and run.log.environment else None
    raw = found or run.metadata.get("slurm")
    told = {k: str(v) for k, v in raw.items()} if isinstance(raw, dict) else {}
    if isinstance(run, ServerRun) and run.slurm_job_id:
        told.setdefault("job_id", run.slurm_job_id)
    return told


def of_job(told: dict[str, str], job: SlurmJob | None) -> bool | None:
    """Say whether a process that Slurm told this was the job's; None where the SDK recorded nothing of Slurm.

    The number of an array is also the number of its last task, so a task is known by array and index.
    """
    number = told.get("job_id") or told.get("jobid")
    if not number:
        return None
    if job is None or job.job_id is None:
        return False
    if job.step is not None and told.get("step_id", told.get("stepid", job.step)) != job.step:
        return False
    array, index = told.get("array_job_id"), told.get("array_task_id")
    if "_" in job.job_id and array:
        return job.job_id == f"{array}_{index}"
    component = job.job_id.partition("+")[2]  # its processes have the number of the whole, and nodes of their own
    nodes = told.get(f"job_nodelist_het_group_{component}") if component else None
    if nodes and told.get("job_nodelist", nodes) != nodes:
        return False
    return bool({number, array} & {job.job_id, job.raw_id, job.leader} - {None})


def _speaks(run: LocalRun | ServerRun, evidence: Evidence, marked: _Marked) -> bool | None:
    """What the Slurm ids of a run say; outside Slurm a job has those of the shell that it was started from, or none."""
    told, job = slurm_of(run), evidence.job.slurm if evidence.job else None
    if job is not None:
        return of_job(told, job)
    around = evidence.setup.place.variables if evidence.setup else {}
    number = told.get("job_id")
    return None if number in (None, around.get("SLURM_JOB_ID")) or number in marked.numbers else False


def _own_local(evidence: Evidence, marked: _Marked) -> tuple[LocalReading, set[str]]:
    """Keep the job's run directories; returns also the ids of the others'."""
    reading = evidence.local
    said = {run.path: _whose(run, evidence, marked) for run in reading.runs}
    unsure = [r for r in reading.runs if said[r.path] is None and _neighbours(r, evidence, said)]
    runs = tuple(run for run in reading.runs if said[run.path] is not False and run not in unsure)
    if len(runs) == len(reading.runs):
        return reading, set(reading.others) - {run.run_id for run in runs}
    told = tuple(_either(run, evidence, said) for run in unsure)
    ours = {run.run_id for run in runs}
    others = dict.fromkeys((*reading.others, *(run.run_id for run in reading.runs if run.run_id not in ours)))
    change = {"runs": runs, "others": tuple(others)[:MOST_OTHERS], "undecided": (*reading.undecided, *told)}
    return reading.model_copy(update=change), set(others) - ours


def _whose(run: LocalRun, evidence: Evidence, marked: _Marked) -> bool | None:
    """Whether it is the job's, by the best evidence there is; None where nothing speaks against it, nor for it."""
    told = _speaks(run, evidence, marked)
    if carries(run, evidence.request.token):
        return told is not False or not _part_asked(evidence)
    if marked.ids:
        return told is not False if run.run_id in marked.ids else _beside(run, evidence, marked)
    return _by_the_rest(run, evidence) if told is None else told


def _part_asked(evidence: Evidence) -> bool:
    """Whether a task, a component or a step was asked for: the token is that of the whole submission."""
    job = evidence.job.slurm if evidence.job else None
    return job is not None and (job.step is not None or any(sign in (job.job_id or "") for sign in "_+"))


def _marked(evidence: Evidence) -> _Marked:
    token = evidence.request.token
    on_disk = [run for run in evidence.local.runs if carries(run, token)]
    shown = [run for run in _server_runs(evidence) if carries(run, token)]
    numbers = {slurm_of(run).get("job_id", "") for run in on_disk} | {slurm_of(run).get("job_id", "") for run in shown}
    ids = {run.run_id for run in on_disk} | {run.id for run in shown}
    return _Marked(frozenset(ids), frozenset(numbers - {""}))


def _server_runs(evidence: Evidence) -> tuple[ServerRun, ...]:
    return (*evidence.server.runs, *(evidence.synced.runs if evidence.synced else ()))


def _beside(run: LocalRun, evidence: Evidence, marked: _Marked) -> bool:
    """Whether a log that breaks off in its header, and so tells of no tags, lies where the job's other runs lie."""
    if run.log.run is not None or _speaks(run, evidence, marked) is False:
        return False
    folders = {PurePath(other.path).parent for other in evidence.local.runs if other.run_id in marked.ids}
    return PurePath(run.path).parent in folders or _announced(run, evidence)


def _announced(run: LocalRun, evidence: Evidence) -> bool:
    """Whether the job's output names the run, or its folder."""
    output = evidence.job.output if evidence.job else None
    if output is None:
        return False
    folders = {PurePath(path).name for path in output.run_dirs}
    return run.run_id in {link.run_id for link in output.links} or PurePath(run.path).name in folders


def _by_the_rest(run: LocalRun, evidence: Evidence) -> bool | None:
    """Ask the output, then the job's hosts, then its times, of a run of which neither token nor Slurm ids tell."""
    if _announced(run, evidence):
        return True
    job = evidence.job
    if job is None or job.slurm is None:
        return None
    environment, facts = run.log.environment, run.log.run
    host = (environment.host if environment else "") or run.metadata.get("host") or (facts.host if facts else "")
    if host and job.slurm.nodes and str(host).partition(".")[0] not in job.slurm.nodes:
        return False
    begun = facts.start_time if facts else None
    if begun is None or job.started_at is None:
        return None
    since = begun if job.slurm.restarts else job.started_at  # the start that is known is that of the last attempt
    until = job.ended_at if job.ended_at is not None else begun
    return None if since - CLOCKS_S <= begun <= until + CLOCKS_S else False


def _neighbours(run: LocalRun, evidence: Evidence, said: dict[str, bool | None]) -> set[str]:
    """Other jobs whose runs lie in the same folder, where nothing tells whose this one is."""
    if evidence.job is None or evidence.job.slurm is None:
        return set()
    folder = PurePath(run.path).parent
    others = (r for r in evidence.local.runs if said[r.path] is False and PurePath(r.path).parent == folder)
    return {slurm_of(other).get("job_id", "") for other in others} - {""}


def _either(run: LocalRun, evidence: Evidence, said: dict[str, bool | None]) -> str:
    job = evidence.job.slurm.job_id if evidence.job and evidence.job.slurm else None
    others = ", ".join(sorted(_neighbours(run, evidence, said)))
    return f"{run.path} may be of job {job} or of {others}: it carries neither a token nor Slurm's job id"


def _own_server(evidence: Evidence, reading: ServerReading, theirs: Collection[str], marked: _Marked) -> ServerReading:
    local = {run.run_id for run in evidence.local.runs} - set(theirs)

    def is_own(run: ServerRun) -> bool:
        if run.id in local:  # the server keeps what the run's last process said, which may be another task's
            return True
        if _part_asked(evidence) and (run.id in theirs or _speaks(run, evidence, marked) is False):
            return False
        if carries(run, evidence.request.token):
            return True
        return not marked.ids and run.id not in theirs and _speaks(run, evidence, marked) is not False

    runs = tuple(run for run in reading.runs if is_own(run))
    foreign = len(reading.runs) - len(runs)
    if not foreign:
        return reading
    return reading.model_copy(update={"runs": runs, "runs_total": reading.runs_total - foreign})
