"""The lines above the checks: what is about to be verified, and against which server."""

import os
import shlex
from importlib.metadata import version
from pathlib import Path

from harness.evidence.redaction.redactor import redact
from harness.evidence.redaction.visible import clean
from harness.evidence.setup.script.ranks import starts_ranks
from harness.report.text import plural
from harness.settings.model import Settings
from harness.targets.environment import PROJECT


def header(settings: Settings, first_report: Path | None = None) -> list[str]:
    """Return what is judged, server, SDK version and project, each on a line that fits 80 columns."""
    lines = [f"verifies: {what(settings)}"]
    if settings.source == "job" and settings.job is None and not settings.slurm.attach:
        lines.append(f"project: {PROJECT}")
    if settings.target == "slurm":
        lines += slurm(settings)
    if settings.rehearse:
        lines += rehearsed(settings)
    lines += [
        f"server: {where(settings)}",
        f"wandb: {version('wandb')} here, for reading; the job may use another",
    ]
    if first_report:
        lines.append(f"report: will be in {first_report} (--report names another folder)")
    return [redact(line).replace("\n", " ") for line in lines]


def rehearsed(settings: Settings) -> list[str]:
    """Say what is rehearsed, and what that costs where it is billed."""
    if settings.target == "slurm":
        hours = f": {3 * at_most(settings):.2f} GPU-hours at most" if settings.job_kind != "batch" else ""
        return [
            "rehearses: scontrol requeue, on a second job after one that runs undisturbed",
            f"rehearsal: three starts, each billed up to its end or the time limit{hours}",
        ]
    names = {"sigterm": "SIGTERM", "kill": "node failure", "twice": "twice", "usr1": "USR1"}
    played = [plural(len(settings.outages), "outage")] if settings.outages else []
    listed = ", ".join(names[one] for one in settings.requeues)
    played += [f"{plural(len(settings.requeues), 'requeue')} ({listed})"] if settings.requeues else []
    return [f"rehearses: {' and '.join(played)}"]


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
    job = job_name(settings)
    if settings.slurm.attach:
        return f"Slurm job {settings.slurm.attach}, submitted earlier"
    if settings.target == "slurm" and own_script(settings):
        return f"{job} on LUMI, as it is"
    if settings.target == "slurm":
        slurm = settings.slurm
        nodes = "1 node" if slurm.nodes == 1 else f"{slurm.nodes} nodes"
        return f"{job} on LUMI: {slurm.partition}, {nodes} with {slurm.gpus} GPUs"
    if own_script(settings) or starts_ranks(settings.job):
        return f"{job} on this machine, as it is" + (", W&B offline" if settings.offline else "")
    return f"{job}, {plural(settings.nproc, 'rank')} on this machine" + (", W&B offline" if settings.offline else "")


def job_name(settings: Settings) -> str:
    """Name the job as it is started, with the beginning of its arguments."""
    if settings.job is None:
        return "the built-in DDP ViT job"
    name = f"-m {settings.job_module}" if settings.job_module else settings.job.name
    return clean(f"{name} {shlex.join(settings.job_args)}".strip(), 60)


def slurm(settings: Settings) -> list[str]:
    """Say what a Slurm job costs, who pays, and for how long it may wait; nothing of one that was submitted earlier."""
    if settings.slurm.attach:
        return []
    from harness.targets.slurm.submission import account_of

    account = account_of(settings, os.environ)
    default = "your default, if you have one"
    if settings.job and own_script(settings):
        cost, payer = f"what the #SBATCH lines of {settings.job.name} ask for", f"as it says, else {account or default}"
    else:
        cost = f"at most {at_most(settings):.2f} GPU-hours (time limit {settings.slurm.time})"
        payer = account or f"none named; Slurm takes {default}"
    wait = f"at most {settings.slurm.queue_timeout_min:g} min, then the job is cancelled (--lumi-queue-timeout)"
    return [f"cost: {cost}", f"account: {payer}", f"queue: {wait}"]


def own_script(settings: Settings) -> bool:
    """Whether the user's own batch script is submitted as it is."""
    return settings.job_kind == "batch"


def at_most(settings: Settings) -> float:
    """Return the GPU-hours that a Slurm job of ours costs if it runs to its time limit."""
    from harness.settings.site import load_site
    from harness.targets.slurm.script import gpu_hours

    return gpu_hours(settings.slurm, load_site(settings.slurm.site))


def where(settings: Settings) -> str:
    """Say which server is used."""
    return {
        "loopback": "embedded loopback W&B backend",
        "real": "the one that your W&B settings name",
        "none": "not used",
    }[settings.server]
