"""Reads the options of a Slurm job."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from harness.settings.model import SettingsError, SlurmSettings
from harness.settings.values import existing_file, minutes, path_of, whole_number

JOB = re.compile(r"\d+(?:_\d+|\+\d+)?(?:\.(?:\d+|batch|extern))?")
"""A job, a task of an array, a component of a heterogeneous job, or a step of one of them."""


def _site_facts(site: Path | None) -> tuple[str, int]:
    """The site's usual partition and the GPUs of a node; without a file they are LUMI's, and none is loaded."""
    if site is None:
        lumi = SlurmSettings()
        return lumi.partition, lumi.gpus
    from harness.settings.site import load_site

    facts = load_site(site)
    return facts.partition, facts.gpus_per_node


def slurm_settings(values: Mapping[str, str | None], on: set[str], cwd: Path) -> SlurmSettings:
    """Read how the job is submitted, in terms of the site that it goes to.

    Raises:
        SettingsError: a value is wrong.
    """
    site = existing_file(values["lumi_site"], "--lumi-site", cwd)
    usual, gpus_per_node = _site_facts(site)
    account, partition = values["lumi_account"], values["lumi_partition"] or usual
    for flag, value in (("--lumi-account", account), ("--lumi-partition", partition)):
        if value and not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
            raise SettingsError(f"{flag}: {value!r} is not a Slurm name; use letters, digits, _ . and -.")
    time = values["lumi_time"] or "00:10:00"
    if not re.fullmatch(r"(\d+-)?\d{1,3}(:\d{1,2}){0,2}", time):
        raise SettingsError(f"--lumi-time: {time!r} is not a Slurm time; write HH:MM:SS or minutes.")
    if not re.search(r"[1-9]", time):
        raise SettingsError("--lumi-time: 0 means no limit to Slurm, and no bound on the cost; give the time needed.")
    attach = values["lumi_attach"]
    if attach and not all(JOB.fullmatch(one.strip()) for one in attach.split(",")):
        raise SettingsError(
            f"--lumi-attach: {attach!r} is not a Slurm job id; give the number that sbatch printed, ID_TASK of an "
            "array, ID+COMPONENT, ID.STEP, or several with commas."
        )
    launcher: Literal["torchrun", "srun"] = "srun" if values["lumi_launcher"] == "srun" else "torchrun"
    return SlurmSettings(
        account=account,
        partition=partition,
        nodes=whole_number(values["lumi_nodes"], "--lumi-nodes", least=1, most=1024, default=1),
        gpus=whole_number(values["lumi_gpus"], "--lumi-gpus", least=1, most=gpus_per_node, default=gpus_per_node),
        time=time,
        container=path_of(values["lumi_container"], "--lumi-container", cwd),
        queue_timeout_min=minutes(values["lumi_queue_timeout"] or "60", "--lumi-queue-timeout"),
        launcher=launcher,
        keep="lumi_keep" in on,
        attach=attach,
        dry_run="lumi_dry_run" in on,
        site=site,
    )
