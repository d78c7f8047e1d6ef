"""A Slurm target in a temporary folder, and the time that passes for it."""

from __future__ import annotations

from pathlib import Path

from harness.settings.model import Settings, SlurmSettings
from harness.settings.site import Site
from harness.targets.slurm.container import Image
from harness.targets.slurm.target import SlurmTarget
from tests.targets.slurm.double import Double


class Clock:
    """Time that the test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.now += seconds


def target(
    tmp_path: Path, double: Double, clock: Clock, image: Image | None = None, job: Path | None = None, **slurm: object
) -> SlurmTarget:
    folder = tmp_path / "report"
    folder.mkdir(exist_ok=True)
    (tmp_path / "image.sif").write_text("")
    settings = Settings(
        target="slurm", source="job", server="real", cwd=tmp_path, job=job, report=folder,
        slurm=SlurmSettings(**{"account": "project_462000001", "container": tmp_path / "image.sif", **slurm}),
    )  # fmt: skip
    env = {**double.env(), "WANDB_TAGS": "harness-1", "WANDB_API_KEY": "k" * 40, "SBATCH_PARTITION": "nope"}
    return SlurmTarget(settings, folder, env, image=image, site=Site(node_local=()), clock=clock)


def passes(job: SlurmTarget, clock: Clock, seconds: float) -> None:
    """Let time pass in steps of half a second, looking each time as the watch does."""
    for _ in range(int(seconds * 2)):
        clock.now += 0.5
        if not job.running():
            return
