"""Reads the runs of the newest job in a folder, which may hold the runs of many."""

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.evidence.disk.run_dirs import find_run_dirs, read_local_run
from harness.evidence.models import LocalReading, LocalRun, Trouble
from harness.evidence.own_runs import slurm_of

MOST_RUN_DIRS = 64
SAME_JOB_S = 30.0
"""Ranks of one job call `wandb.init()` within this many seconds."""


def read_folder(folder: Path, scrub: Callable[[str], str]) -> LocalReading:
    """Read the runs of the newest job in the folder; a folder may hold the runs of many jobs."""
    found: Sequence[Path] = find_run_dirs(folder)
    if not found:
        trouble = Trouble(kind="missing", text=f"no run directory in {folder}", where=str(folder))
        return LocalReading(status="folder_missing", folders=(str(folder),), troubles=(trouble,))
    newest = sorted(found, key=lambda p: p.name.removeprefix("offline-"))[-MOST_RUN_DIRS:]
    runs = of_newest_job([read_local_run(p, scrub) for p in newest])
    return LocalReading(status="read", folders=(str(folder),), runs=tuple(runs), older_runs=len(found) - len(runs))


def of_newest_job(runs: Sequence[LocalRun]) -> list[LocalRun]:
    """Keep the runs that began with the newest one, or in the same Slurm job, and earlier parts of an offline run."""
    last = max(runs, key=lambda run: run.started_at or 0.0)

    job = slurm_of(last).get("job_id")

    def beside(run: LocalRun) -> bool:
        begun, newest = run.started_at or 0.0, last.started_at or 0.0
        over = run.log.has_exit and run.touched_at is not None and run.touched_at < newest
        return abs(begun - newest) <= SAME_JOB_S and not over

    return [
        run
        for run in runs
        if beside(run)
        or (job is not None and slurm_of(run).get("job_id") == job)
        or (run.offline and last.offline and run.run_id == last.run_id)
    ]
