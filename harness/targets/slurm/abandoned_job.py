"""Tells of the Slurm job of a verification that was killed: whether it still waits or runs, and how to end it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.evidence.models import slurm_states
from harness.targets.slurm.commands import Slurm
from harness.targets.slurm.record import records


def job_left(folder: Path, since: float, environ: Mapping[str, str] = os.environ) -> str | None:
    """Say what became of the job that was submitted from a report folder; None where nothing of it is left.

    Args:
        since: when the verification began, in unix seconds; an older job in the same folder was another one's.
    """
    mine = (r for r in records(folder) if r.submitted_at >= since)
    found = max(mine, key=lambda r: r.submitted_at, default=None)
    if found is None:
        return None
    slurm = Slurm(environ)
    # An sbatch may outlive its harness, which was killed before it learnt the number.
    job_id = found.job_id or slurm.by_script(Path(found.script), found.submitted_at)
    if job_id is None:
        return None
    ways = f"scancel {job_id}, or verify it with --lumi-attach {job_id}"
    queued, trouble = slurm.queue(job_id)
    if trouble:
        return f"its Slurm job {job_id} may still run ({trouble.where}: {trouble.text}): {ways}"
    if queued is None or slurm_states.is_final(queued.state):
        return None
    return f"its Slurm job {job_id} is {queued.state}: {ways}"
