"""Rules for the family: duplicate runs."""

from collections.abc import Iterator, Mapping

from harness.evidence.models import Evidence, LocalRun, ServerRun
from harness.judging.catalogue import version_key
from harness.judging.duplicates import (
    Writer,
    began_anew,
    began_together,
    crowd,
    listed,
    made_by_one_process,
    restarted,
    run_count,
    same_id_writers,
    setting,
    several_meant,
    shared_mode,
    together,
)
from harness.judging.metric_series import all_series
from harness.judging.rule import Hit, Rule
from harness.judging.view import main_local_run, main_server_run, python_errors, said

PRIMARY_RECORDS_SINCE = (0, 31, 0)
"""Seen in 0.31.0: of the writers of a shared run, only primaries record an environment."""
SLACK_S, QUEUE_S = 1.0, 120.0
"""Seconds that do not count, and by which a start may be noticed late in a queue."""


FAILS: Mapping[str, tuple[str, ...]] = {"dup-rank-unset-srun": ("test_exactly_one_run",)}
"""What a pattern of runs makes fail, where the fault may also end a job."""


def several_runs(evidence: Evidence) -> Iterator[Hit]:
    """More than one run: the pattern of times, hosts and ranks says why."""
    count, found = run_count(evidence), crowd(evidence)
    if len(found) <= 1 or several_meant(evidence):
        return
    hosts = sorted({w.host for w in found if w.host})
    carrier = _carrier(found)
    surplus = listed(w.id for w in found if w is not carrier)
    values = {
        "run_count": str(count),
        "host_count": str(len(hosts)),
        "run_ids": "all but the one that holds your metrics" if carrier.rows is None else surplus,
    }
    seen = [f"{count} runs belong to this job: {listed(w.id for w in found)}."]
    if told := _why(evidence, count, found, hosts):
        fault, reason = told
        yield Hit(id=fault, observed=(*seen, reason), values=values, fails=FAILS.get(fault))


def _why(evidence: Evidence, count: int, found: tuple[Writer, ...], hosts: list[str]) -> tuple[str, str] | None:
    """Name the fault and what in the pattern of the runs shows it; None where the pattern fits no known one."""
    restarts = sorted({w.restart for w in found})
    slurm = evidence.job.slurm if evidence.job else None
    if len(restarts) > 1:
        return "dup-requeue-new-run", f"They began with SLURM_RESTART_COUNT {', '.join(restarts)}."
    if slurm and slurm.restarts and not began_together(evidence, found):
        return "dup-requeue-new-run", f"Slurm restarted the job {slurm.restarts} times; the runs follow each other."
    world, nodes = evidence.request.world_size, _nodes(evidence, found)
    if count == len(hosts) == nodes and (world is None or count < world):
        return "dup-one-run-per-node", f"One run came from each of the nodes {listed(hosts)}."
    carrier = _carrier(found)
    extra = [w for w in found if w is not carrier]
    if _came_from_workers(found, extra, world):
        return "dup-dataloader-spawn", _workers_seen(extra, world)
    if by_rank := _rounds(found):
        each = listed(str(n) for n in sorted({len(made) for made in by_rank}))
        return "dup-one-run-per-rank", f"{len(by_rank)} processes made them side by side, {each} each."
    if made_by_one_process(found) or not began_together(evidence, found):
        return None
    tasks = sorted({w.slurm.get("procid", "") for w in found}, key=lambda t: (len(t), t))
    if len(tasks) == len(found) and "" not in tasks:
        reason = f"Each came from another Slurm task (SLURM_PROCID {listed(tasks)}): srun started the ranks itself."
        return "dup-rank-unset-srun", reason
    if world is None or count <= world:
        ranks = f" by {world} ranks" if world else ""
        return (
            "dup-one-run-per-rank",
            f"They were made at the same time{ranks}{' on ' + listed(hosts) if hosts else ''}.",
        )
    return None


def _rounds(found: tuple[Writer, ...]) -> list[list[Writer]]:
    """The runs of each process, where several processes made as many, one after the other, and began together."""
    if any(w.pid is None for w in found):
        return []
    made: dict[tuple[str | None, int | None], list[Writer]] = {}
    for writer in found:
        made.setdefault((writer.host, writer.pid), []).append(writer)
    each = list(made.values())
    alike = len(each) > 1 and len({len(runs) for runs in each}) == 1 and len(each[0]) > 1
    return each if alike and together([runs[0] for runs in each]) else []


def _carrier(found: tuple[Writer, ...]) -> Writer:
    """The run that holds the training; of several, the earliest."""
    return max(found, key=lambda w: w.rows or 0)


def _nodes(evidence: Evidence, found: tuple[Writer, ...]) -> int:
    """Nodes of the job: as asked, or as Slurm told the processes that made the runs."""
    told = [int(n) for w in found for n in (w.slurm.get("nnodes", ""), w.slurm.get("job_num_nodes", "")) if n.isdigit()]
    return max([evidence.request.nodes, *told])


def _came_from_workers(found: tuple[Writer, ...], extra: list[Writer], world: int | None) -> bool:
    """Whether all surplus runs are empty, and too many for the ranks, or begun later and never finished.

    A process that multiprocessing started skips its exit handlers, so its run does not finish; a rank's does.
    """
    carrier = _carrier(found)
    too_many = world is not None and len(found) > world
    processes = {w.pid for w in found}
    apart = None not in processes and len(processes) == len(found)
    # The carrier's rows may be lost with its process, or be in TensorBoard's files.
    trained = carrier.rows or (too_many and (apart or not carrier.finished))
    if any(w.rows != 0 for w in extra) or not trained or len({w.host for w in found if w.host}) > 1:
        return False
    if carrier.pid is not None and any(w.pid == carrier.pid for w in extra):
        return False  # the process that trained made them itself
    later = carrier.begun is not None and all(w.begun is not None and w.begun >= carrier.begun for w in extra)
    unfinished = carrier.finished and not any(w.finished for w in extra)
    return later and (unfinished or too_many)


def _workers_seen(extra: list[Writer], world: int | None) -> str:
    ranks = f"; the job has {world} rank{'s' if world != 1 else ''}" if world else ""
    return f"{len(extra)} of them hold no metrics and began after the one that does{ranks}."


def rank_variable_missing(evidence: Evidence) -> Iterator[Hit]:
    """The script asked for a rank that nobody set."""
    for error in python_errors(evidence, r"^KeyError$", r"^'(RANK|LOCAL_RANK|WORLD_SIZE)'$"):
        where = f" at {error.frames[-1].strip()}" if error.frames else ""
        yield Hit(id="dup-rank-unset-srun", observed=(f"The job stopped with KeyError: {error.message}{where}.",))
        return


def same_id(evidence: Evidence) -> Iterator[Hit]:
    """Several processes wrote into one run."""
    found = same_id_writers(evidence)
    if not found:
        return
    run_id = next(r.run_id for r in found)
    observed = [f"{len(found)} processes opened run {run_id} at the same time: {listed(r.path for r in found)}."]
    observed += said(evidence, r"Resuming run |Error 1062: Duplicate entry", limit=2)
    yield Hit(id="dup-same-id-all-ranks", observed=tuple(observed), values={"run_id": run_id})


def begun_anew(evidence: Evidence) -> Iterator[Hit]:
    """A run whose id was used again without resume: by this job, or by this job after an earlier one."""
    local, server = main_local_run(evidence), main_server_run(evidence)
    if found := restarted(evidence):
        run_id = found[0].run_id
        rows = [f"{run.path} ({run.log.history_rows} rows)" for run in found]
        observed = (
            f"Run {run_id} was begun {len(found)} times, one after the other, and not resumed: {listed(rows)}.",
        )
    elif local and server and _over_an_earlier_one(evidence, local, server):
        run_id = server.id
        observed = (f"Run {run_id} was on the server before this job began; this job began it anew, at step 0.",)
    else:
        return
    harmed = [key for key, view in all_series(evidence).items() if view.backward_steps] or _rows_gone(found, server)
    # A job that writes over an older one's rows has all of its own.
    yield Hit(
        id="dup-restart-without-resume", observed=observed, values={"run_id": run_id},
        severity=None if harmed else "warning",
    )  # fmt: skip


def _over_an_earlier_one(evidence: Evidence, local: LocalRun, server: ServerRun) -> bool:
    """Whether the run is older than the job that wrote it, which neither resumed it nor shares it.

    The server's clock may be behind the job's, so the run must also have lived longer than the job did.
    """
    job = evidence.job
    if local.run_id != server.id or not began_anew(evidence, local):
        return False
    if job is None or job.started_at is None or job.ended_at is None or shared_mode(evidence):
        return False
    if server.created_at is None or server.heartbeat_at is None:
        return False
    slack = QUEUE_S if evidence.request.target == "slurm" else SLACK_S
    lived, lasted = server.heartbeat_at - server.created_at, job.ended_at - job.started_at
    return server.created_at < job.started_at - slack and lived > lasted + slack


def _rows_gone(found: tuple[LocalRun, ...], server: ServerRun | None) -> list[str]:
    """Directories of this job whose rows the server cannot all have."""
    logged = sum(run.log.history_rows for run in found)
    short = server is not None and server.rows is not None and server.rows < logged
    return [run.path for run in found if short or not run.log.has_exit]


def shared(evidence: Evidence) -> Iterator[Hit]:
    """Shared mode: fine in itself; two primaries or a late writer are not."""
    if not shared_mode(evidence) and not said(evidence, r"The `shared` mode feature is experimental"):
        return
    directories = [r for r in evidence.local.runs if setting(r, "mode") == "shared"] or list(evidence.local.runs)
    labels = sorted({label for r in directories for label in r.log.writer_labels})
    named = f" ({listed(labels)})" if labels else ""
    yield Hit(id="dup-shared-mode-legit", observed=(f"{len(directories)} processes write into one run{named}.",))
    primaries = [r for r in directories if _primary(r)]
    if len(primaries) > 1:
        named = listed(r.path for r in primaries)
        observed = f"{len(primaries)} of {len(directories)} writers are primary: {named}."
        # As long as all writers end together nothing is lost by it; it counts as the cause where something is.
        yield Hit(id="dup-shared-two-primaries", observed=(observed,), severity="warning")
    yield from _overwritten(evidence)


def _primary(run: LocalRun) -> bool:
    """Whether this writer of a shared run was its primary: by its setting, or because it recorded an environment."""
    if (told := setting(run, "x_primary")) is not None:
        return told is True
    version = version_key(run.log.sdk_version)
    return version >= PRIMARY_RECORDS_SINCE and run.log.environment is not None


def _overwritten(evidence: Evidence) -> Iterator[Hit]:
    server, disk = main_server_run(evidence), main_local_run(evidence)
    if server is None or disk is None or server.id != disk.run_id:
        return
    local = all_series(evidence, "disk")
    for key, held in all_series(evidence, "server").items():
        own = local.get(key)
        if own is None or own.first_step is None or held.first_step is None or held.count >= own.count:
            continue
        if held.first_step > own.first_step:
            observed = f"{key} begins at step {held.first_step} on the server, at step {own.first_step} on disk."
            values = {"run_id": server.id, "run_dir": disk.path}
            yield Hit(id="dup-shared-history-overwrite", observed=(observed,), values=values)
            return


RULES: tuple[Rule, ...] = (same_id, begun_anew, shared, rank_variable_missing, several_runs)
