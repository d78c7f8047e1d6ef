"""What a verification cannot do without, refused in one sentence before anything is started."""

import os
import shutil
import sys
from importlib.util import find_spec

from harness.settings.model import Settings, SettingsError
from harness.settings.places import LOCAL_PARTS


def refuse(settings: Settings) -> None:
    """Refuse a local job where torch or what the loopback backend needs is missing, and a folder without runs.

    Raises:
        SettingsError: says what is missing.
    """
    if settings.target == "local":
        from harness.targets.process import torch_missing

        if torch_missing(sys.executable):
            raise SettingsError(f"a local job needs torch, which {sys.executable} lacks: {LOCAL_PARTS}.")
    if settings.target == "slurm" and shutil.which("sbatch") is None:
        raise SettingsError("--lumi needs Slurm, and sbatch is not on PATH here: run it on a login node of LUMI.")
    if settings.slurm.attach:
        from harness.targets.slurm.preflight import refuse_unknown_job

        refuse_unknown_job(settings, os.environ)
    if settings.run_dir:
        from harness.evidence.disk.run_dirs import find_run_dirs

        if not find_run_dirs(settings.run_dir):
            hint = "give a wandb/ folder, or one run directory in it"
            raise SettingsError(f"--run-dir: {settings.run_dir} holds no run; {hint}.")
    if settings.server == "loopback" and find_spec("graphql") is None:
        raise SettingsError(f"--server loopback needs graphql-core: {LOCAL_PARTS}, or --server real.")
