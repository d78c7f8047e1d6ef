"""The lines above the checks: what is about to be verified, and against which server."""

from importlib.metadata import version

from harness.jobenv import PROJECT
from harness.settings import Settings


def header(settings: Settings) -> list[str]:
    """Return what is judged, server, SDK version and project, each on a line that fits 80 columns."""
    lines = [f"verifies: {what(settings)}"]
    if settings.source == "job" and settings.job is None:
        lines.append(f"project: {PROJECT}")
    if cost := at_most(settings):
        lines.append(f"cost: {cost}")
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
    if settings.slurm.attach:
        return f"Slurm job {settings.slurm.attach}, submitted earlier"
    if settings.target == "slurm" and settings.job and settings.job.suffix != ".py":
        return f"{job} on LUMI, as it is"
    if settings.target == "slurm":
        slurm = settings.slurm
        nodes = "1 node" if slurm.nodes == 1 else f"{slurm.nodes} nodes"
        return f"{job} on LUMI: {slurm.partition}, {nodes} with {slurm.gpus} GPUs"
    return f"{job}, {settings.nproc} ranks on this machine" + (", W&B offline" if settings.offline else "")


def at_most(settings: Settings) -> str | None:
    """Say what a Slurm job of ours costs if it runs to its time limit; None where that is not known."""
    own_script = settings.job is not None and settings.job.suffix != ".py"
    if settings.target != "slurm" or settings.slurm.attach or own_script:
        return None
    from harness.targets.slurm.script import gpu_hours
    from harness.targets.slurm.site import load_site

    hours = gpu_hours(settings.slurm, load_site(settings.slurm.site))
    return f"at most {hours:.2f} GPU-hours (time limit {settings.slurm.time})"


def where(settings: Settings) -> str:
    """Say which server is used."""
    return {
        "loopback": "embedded loopback W&B backend",
        "real": "the one that your W&B settings name",
        "none": "none is asked",
    }[settings.server]
