"""`--lumi-dry-run`: the batch script on standard output, remarks on standard error, and no job."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from harness import jobenv
from harness.settings import Settings
from harness.targets.slurm.preflight import dry_run
from harness.targets.slurm.script import gpu_hours
from harness.targets.slurm.site import load_site


def show(settings: Settings, environ: Mapping[str, str]) -> int:
    """Print the script, what it would cost and what Slurm says of it; returns the exit code, 0."""
    text, answer = dry_run(settings, jobenv.user_environment(environ, None))
    sys.stdout.write(text)
    cost = gpu_hours(settings.slurm, load_site(settings.slurm.site))
    words = " ".join(answer.err.split()) or f"sbatch --test-only: exit code {answer.code}"
    sys.stderr.write(f"nothing was submitted; at most {cost:.2f} GPU-hours if it is\n{words}\n")
    return 0
