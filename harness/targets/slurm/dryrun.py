"""`--lumi-dry-run`: the batch script on standard output, remarks on standard error, and no job."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from harness.settings.model import Settings
from harness.settings.site import load_site
from harness.targets import environment
from harness.targets.slurm.container import choose
from harness.targets.slurm.preflight import dry_run
from harness.targets.slurm.script import gpu_hours


def show(settings: Settings, environ: Mapping[str, str]) -> int:
    """Print the script, what it would cost and what Slurm says of it; returns the exit code, 0."""
    site = load_site(settings.slurm.site)
    text, answer = dry_run(settings, environment.user_environment(environ, None))
    remarks = ["nothing was submitted"]
    if settings.job_kind != "batch":
        remarks.append(f"it would cost at most {gpu_hours(settings.slurm, site):.2f} GPU-hours")
        image = choose(settings.slurm.container, site)
        if not image.exists():
            remarks.append(f"the container image {image} does not exist, so this job would not be submitted")
    remarks.append(answer.err.strip() or f"sbatch --test-only: exit code {answer.code}")
    sys.stdout.write(text)
    sys.stdout.flush()
    sys.stderr.write("\n".join(remarks) + "\n")
    return 0
