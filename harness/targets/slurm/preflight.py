"""What can be known of a Slurm job on the login node, for free: the container, its wandb, and Slurm's opinion."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from harness.evidence.models import JobPython, SdkSettings, Setup, Trouble
from harness.evidence.network.background import Background
from harness.evidence.setup.interpreter import Asked, ask_interpreter
from harness.evidence.setup.job_settings import JobSettings
from harness.evidence.setup.question import Interpreter
from harness.settings.model import Settings, SettingsError
from harness.settings.site import Site, load_site
from harness.targets.interrupts import Interrupts
from harness.targets.slurm.commands import Answer, Slurm
from harness.targets.slurm.container import Image, choose, interpreter, seen
from harness.targets.slurm.record import known_record
from harness.targets.slurm.script import render
from harness.targets.slurm.submission import plan_of
from harness.targets.slurm.target import SlurmTarget

WandbKind = Literal["package", "missing", "unknown"]


class Ground:
    """What a Slurm job will find: the container's Python is asked while the rest of the preflight runs."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment
        self.site = load_site(settings.slurm.site)
        # A batch script brings its own container, which is not known here.
        rendered = not settings.slurm.attach and settings.job_kind != "batch"
        self._path = choose(settings.slurm.container, self.site) if rendered else None
        self._image: Background[Image] | None = None
        known = known_record(settings)
        self.cwd: Path | None = Path(known.cwd) if known else settings.cwd if settings.slurm.attach else None
        """Where an earlier job was started; None: as for any other job."""

    def ask(self, here: JobSettings) -> Background[Asked]:
        """Begin to ask the Python that the job will use; where it is not known, the one here knows the SDK's ways."""
        path, script = self._path, None if self._settings.job_module else self._settings.job
        if path is None:
            own = Interpreter((sys.executable,), sys.executable)
            return Background(lambda: ask_interpreter(own, here, script))
        if not path.exists():
            gone = Trouble(kind="missing", text="no such image", where=str(path))
            asked = Background(lambda: Asked(sdk=SdkSettings(trouble=gone)))
        else:
            asked = Background(lambda: ask_interpreter(interpreter(path, self.site), here, script))
        slurm = Slurm(self._environment)
        self._image = Background(lambda: seen(path, asked.result(), self.site, slurm))
        return asked

    @property
    def image(self) -> Image | None:
        """What is known of the container, once its Python has answered."""
        return self._image.result() if self._image else None

    def fitted(self, setup: Setup) -> Setup:
        """Return the setup with what a list of the image's software tells, where its Python told nothing."""
        image, python = self.image, setup.python
        if image is None:  # the Python here is not the one that a batch script uses
            return setup.model_copy(update={"python": None})
        if python and python.trouble is None:
            return setup
        known = image.wandb if image.wandb != "missing" else None
        told: WandbKind = "package" if known else "missing" if image.wandb == "missing" else "unknown"
        listed = JobPython(executable=f"python in {image.path.name}", wandb_version=known, wandb_kind=told)
        return setup.model_copy(update={"python": listed})

    def target(self, folder: Path, environment: Mapping[str, str], interrupts: Interrupts | None) -> SlurmTarget:
        """Return the job, not yet submitted."""
        return SlurmTarget(self._settings, folder, environment, image=self.image, site=self.site, interrupts=interrupts)


def refuse_unknown_job(settings: Settings, environment: Mapping[str, str]) -> None:
    """Refuse to attach to a job of which neither Slurm nor a report folder knows anything.

    Raises:
        SettingsError: there is no such job.
    """
    if settings.slurm.attach is None or known_record(settings):
        return
    job_id = settings.slurm.attach.partition(".")[0]
    slurm = Slurm(environment)
    queued, trouble = slurm.queue(job_id)
    if queued is not None or trouble is not None:
        return
    accounted, trouble = slurm.account(job_id)
    if accounted is None and trouble:
        raise SettingsError(
            f"--lumi-attach: the queue has forgotten job {job_id}, and {trouble.text}; its output alone can still be "
            f"judged: --job-log slurm-{job_id}.out"
        )
    if accounted is None:
        raise SettingsError(
            f"--lumi-attach: Slurm knows no job {job_id}, or does not show it to you because it is somebody else's; "
            "squeue --me lists yours, sacct -X those that ended today."
        )


def dry_run(settings: Settings, environment: Mapping[str, str]) -> tuple[str, Answer]:
    """Return the batch script, and what `sbatch --test-only` says about it; nothing is submitted, nothing kept."""
    site: Site = load_site(settings.slurm.site)
    if settings.job and settings.job_kind == "batch":
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
