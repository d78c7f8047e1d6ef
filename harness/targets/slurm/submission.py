"""Makes ready what sbatch is given: the rendered script, or the user's own batch script as it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.evidence.gpu.probe_results import probe_script
from harness.settings.model import Settings
from harness.settings.site import Site
from harness.targets import environment as job_environment
from harness.targets.base import log_path
from harness.targets.slurm.script import MARKS, Plan, directives, escaped, render

SCRIPT = "job.sh"
ENDED = "job.ended"
FOREIGN = ("SBATCH_", "SLURM_", "SRUN_", "SALLOC_")
"""Variables of the user's shell that would override the rendered script's lines."""
KEPT = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_EXPORT_ENV")
ACCOUNTS = ("SBATCH_ACCOUNT", "SLURM_ACCOUNT", "SALLOC_ACCOUNT")


ContainerAction = Literal["run", "exec", "shell"]


@dataclass(frozen=True)
class Submission:
    """What sbatch is called with."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    script: Path
    output: Path | None
    """Where the output will be; None: Slurm tells."""
    marker: Path | None
    """The file by which the job tells of its end."""
    sbatch_variables: Mapping[str, str]
    account: str | None
    partition: str | None
    container_action: ContainerAction | None


def account_of(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Return the account that was asked for, else the one that the user's shell sets."""
    return settings.slurm.account or next((environment[n] for n in ACCOUNTS if environment.get(n)), None)


def plan_of(settings: Settings, environment: Mapping[str, str], site: Site, container: Path) -> Plan:
    """Return what a rendered script starts when it is submitted by hand: the dry run's."""
    return Plan(
        slurm=settings.slurm,
        site=site,
        script=settings.job or job_environment.builtin_job(rehearsed=bool(settings.rehearse)),
        module=settings.job_module,
        args=settings.job_args
        if settings.job
        else job_environment.builtin_args(
            on_gpus=True, seconds=site.training_seconds, rehearsed=bool(settings.rehearse)
        ),
        chdir=settings.cwd,
        container=container,
        account=account_of(settings, environment),
        variables={n: environment[n] for n in MARKS if environment.get(n)},
    )


def prepare(
    settings: Settings, folder: Path, environment: Mapping[str, str], site: Site, container: Path
) -> Submission:
    """Write what the job needs into the report folder.

    Raises:
        OSError: the folder cannot be written.
    """
    if settings.job and settings.job_kind == "batch":
        return _own(settings, settings.job, environment)
    plan = plan_of(settings, environment, site, container)
    script, cwd = plan.script, settings.cwd
    if settings.job is None:
        cwd = folder / "job"
        cwd.mkdir(exist_ok=True)
        # The package may be where compute nodes cannot see it; the report folder is seen everywhere.
        script = Path(shutil.copy(script, cwd))
    probe = Path(shutil.copy(probe_script(), folder))
    plan = Plan(**{
        **vars(plan), "script": script, "chdir": cwd, "output": escaped(log_path(folder)), "marker": folder / ENDED,
        "probe": probe,
    })  # fmt: skip
    batch = folder / SCRIPT
    batch.write_text(render(plan), encoding="utf-8")
    env = {k: v for k, v in environment.items() if not k.startswith(FOREIGN) or k in KEPT[:2]}
    return Submission(
        (str(batch),), env, cwd, batch, log_path(folder), plan.marker, {}, plan.account, settings.slurm.partition, "run"
    )


def _own(settings: Settings, script: Path, environment: Mapping[str, str]) -> Submission:
    """Submit the user's batch script as `sbatch script` would; only an account that nothing else names is added."""
    try:
        text = script.read_text(encoding="utf-8", errors="replace")
        lines = directives(text)
    except (OSError, ValueError):  # sbatch says what is wrong with it
        text, lines = "", {}
    named = environment.get("SBATCH_ACCOUNT") or lines.get("account")
    option = () if named or not settings.slurm.account else (f"--account={settings.slurm.account}",)
    seen = {k: v for k, v in environment.items() if k.startswith("SBATCH_")}
    return Submission(
        (*option, str(script), *settings.job_args), environment, settings.cwd, script, None, None, seen,
        account=named or settings.slurm.account,
        partition=environment.get("SBATCH_PARTITION") or lines.get("partition"),
        container_action=_action(text),
    )  # fmt: skip


def _action(text: str) -> ContainerAction | None:
    """Return how the script starts the container; None where it does not, or in several ways."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found: set[ContainerAction] = {
        "run" if w == "run" else "exec" if w == "exec" else "shell"
        for w in re.findall(r"\b(?:singularity|apptainer)\s+(?:-\S+\s+)*(run|exec|shell)\b", code)
    }
    return found.pop() if len(found) == 1 else None
