"""The lines above the checks: what is about to be verified, and against which server."""

from importlib.metadata import version

from harness.jobenv import PROJECT
from harness.settings import Settings


def header(settings: Settings) -> list[str]:
    """Return what is judged, server, SDK version and project, each on a line that fits 80 columns."""
    lines = [f"verifies: {what(settings)}"]
    if settings.source == "job" and settings.job is None:
        lines.append(f"project: {PROJECT}")
    return [*lines, f"server: {where(settings)}", f"wandb: {version('wandb')} reads"]


def what(settings: Settings) -> str:
    """Say what is judged."""
    if settings.run:
        return "the run " + "/".join(settings.run)
    subjects = {
        "run_dir": f"run directory {settings.run_dir}",
        "job_log": f"job output {settings.job_log}",
        "replay": f"saved evidence {settings.replay}",
    }
    if settings.source in subjects:
        return subjects[settings.source]
    job = settings.job.name if settings.job else "the built-in DDP ViT job"
    if settings.target == "slurm":
        slurm = settings.slurm
        return f"{job} on LUMI: {slurm.partition}, {slurm.nodes} x {slurm.gpus} GPUs, at most {slurm.time}"
    return f"{job}, {settings.nproc} ranks on this machine" + (", W&B offline" if settings.offline else "")


def where(settings: Settings) -> str:
    """Say which server is used."""
    return {
        "loopback": "embedded loopback W&B backend",
        "real": "the one that your W&B settings name",
        "none": "none is asked",
    }[settings.server]
