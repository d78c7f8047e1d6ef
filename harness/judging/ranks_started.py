"""How many ranks a job was started with: as they say themselves, else as the batch script's launcher was told."""

from typing import NamedTuple

from harness.evidence.models import Evidence


class Started(NamedTuple):
    """The ranks, and what tells it."""

    ranks: int
    told: str
    option: str = ""
    """How the launcher of the batch script is told their number."""


OPTIONS = {
    "srun": "srun --ntasks=", "torchrun": "torchrun --nproc_per_node=", "deepspeed": "deepspeed --num_gpus=",
    "accelerate": "accelerate launch --num_processes=",
}  # fmt: skip


def ranks_started(evidence: Evidence) -> Started | None:
    """Return the ranks that were started; None where neither output nor batch script tells it."""
    job = evidence.job
    if job is None:
        return None
    if job.output.ranks:
        world = max(rank.world_size for rank in job.output.ranks)
        return Started(world, f"its ranks print a world size of {world}")
    lines = [launch for launch in (job.slurm.launches if job.slurm else ()) if launch.ranks is not None]
    most = max(lines, key=lambda launch: launch.ranks or 0, default=None)
    if most is None or not most.ranks:
        return None
    launcher = most.launcher.rpartition(" ")[2]
    return Started(most.ranks, f"{most.launcher}: {most.line}", OPTIONS.get(launcher, f"{launcher} -np "))
