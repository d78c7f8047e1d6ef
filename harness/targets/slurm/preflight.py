"""What can be known of a Slurm job on the login node, for free: the container, its wandb, and Slurm's opinion."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from harness.evidence.models import JobPython, Setup
from harness.evidence.network.background import Background
from harness.settings.model import Settings, SettingsError
from harness.settings.site import Site, load_site
from harness.targets.interrupts import Interrupts
from harness.targets.slurm.commands import Answer, Slurm
from harness.targets.slurm.container import Image, choose, inspect
from harness.targets.slurm.record import known_record
from harness.targets.slurm.script import render
from harness.targets.slurm.submission import plan_of
from harness.targets.slurm.target import SlurmTarget

WandbKind = Literal["package", "missing", "unknown"]


class Ground:
    """What a Slurm job will find: looked at while the rest of the preflight runs."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self.site = load_site(settings.slurm.site)
        self._image = Background(lambda: look(settings, self.site, environment))
        known = known_record(settings)
        self.cwd: Path | None = Path(known.cwd) if known else settings.cwd if settings.slurm.attach else None
        """Where an earlier job was started; None: as for any other job."""

    def fitted(self, setup: Setup) -> Setup:
        """Return the setup with the container's Python in place of the login node's, which the job never uses."""
        image, seen = self._image.result(), setup.python
        if image is None or seen is None:
            return setup.model_copy(update={"python": None})
        shadowed = seen.wandb_kind in ("namespace_folder", "file")
        known = image.wandb if image.wandb != "missing" else None
        told: WandbKind = "package" if known else "missing" if image.wandb == "missing" else "unknown"
        python = JobPython(
            executable=f"python in {image.path.name}",
            wandb_version=known,
            wandb_kind=seen.wandb_kind if shadowed else told,
            wandb_location=seen.wandb_location if shadowed else None,
        )
        return setup.model_copy(update={"python": python})

    def target(self, folder: Path, environment: Mapping[str, str], interrupts: Interrupts | None) -> SlurmTarget:
        """Return the job, not yet submitted."""
        return SlurmTarget(
            self._settings, folder, environment, image=self._image.result(), site=self.site, interrupts=interrupts
        )


def look(settings: Settings, site: Site, environment: Mapping[str, str]) -> Image | None:
    """Look into the container of a rendered job; a batch script brings its own, which is not known here."""
    if settings.slurm.attach or (settings.job and settings.job.suffix != ".py"):
        return None
    return inspect(choose(settings.slurm.container, site), site, Slurm(environment))


def refuse_unknown_job(settings: Settings, environment: Mapping[str, str]) -> None:
    """Refuse to attach to a job of which neither Slurm nor a report folder knows anything.

    Raises:
        SettingsError: there is no such job.
    """
    job_id = settings.slurm.attach
    if job_id is None or known_record(settings):
        return
    slurm = Slurm(environment)
    queued, trouble = slurm.queue(job_id)
    if queued is None and trouble is None and slurm.account(job_id)[0] is None:
        raise SettingsError(
            f"--lumi-attach: Slurm knows no job {job_id}; squeue --me lists yours, sacct -X those that ended today."
        )


def dry_run(settings: Settings, environment: Mapping[str, str]) -> tuple[str, Answer]:
    """Return the batch script, and what `sbatch --test-only` says about it; nothing is submitted, nothing kept."""
    site: Site = load_site(settings.slurm.site)
    if settings.job and settings.job.suffix != ".py":
        return settings.job.read_text(encoding="utf-8", errors="replace"), ask(settings.job, environment)
    text = render(plan_of(settings, environment, site, choose(settings.slurm.container, site)))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "job.sh"
        script.write_text(text, encoding="utf-8")
        return text, ask(script, environment)


def ask(script: Path, environment: Mapping[str, str]) -> Answer:
    """Ask Slurm whether it would take the script.

    A hint, no more: with every node down it says no to a job that sbatch would queue.
    """
    return Slurm(environment).run(["sbatch", "--test-only", str(script)])
