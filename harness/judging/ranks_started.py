"""How many ranks a job was started with: as they say, as Slurm counted, or as the launcher was told."""

from typing import NamedTuple

from harness.evidence.models import Evidence, SlurmJob


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
    """Return the ranks that were started; None where neither output, accounting nor batch script tells it."""
    job = evidence.job
    if job is None:
        return None
    if job.output.ranks:
        world = max(rank.world_size for rank in job.output.ranks)
        return Started(world, f"its ranks print a world size of {world}")
    return _as_counted(job.slurm) or _as_written(job.slurm) if job.slurm else None


def _as_counted(slurm: SlurmJob) -> Started | None:
    """The tasks of the step that failed, else of the largest, where each task is a rank.

    Functions, loops and conditions of a batch script decide what it starts; Slurm counts what was started.
    """
    if any(launch.launcher != "srun" for launch in slurm.launches):
        return None
    steps = [step for step in slurm.steps if step.tasks and step.id.rpartition(".")[2].isdigit()]
    failed = [step for step in steps if step.state.startswith("FAILED")]
    step = max(failed[:1] or steps, key=lambda step: step.tasks or 0, default=None)
    if step is None or step.tasks is None:
        return None
    line = next((f"srun: {launch.line}" for launch in slurm.launches if launch.ranks == step.tasks), None)
    return Started(step.tasks, line or f"Slurm counts {step.tasks} tasks in its step {step.id}", OPTIONS["srun"])


def _as_written(slurm: SlurmJob) -> Started | None:
    """The ranks of the batch script's largest launch."""
    lines = [launch for launch in slurm.launches if launch.ranks is not None]
    most = max(lines, key=lambda launch: launch.ranks or 0, default=None)
    if most is None or not most.ranks:
        return None
    launcher = most.launcher.rpartition(" ")[2]
    return Started(most.ranks, f"{most.launcher}: {most.line}", OPTIONS.get(launcher, f"{launcher} -np "))
