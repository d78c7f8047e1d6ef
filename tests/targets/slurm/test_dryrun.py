"""`--lumi-dry-run` prints the script on standard output, submits nothing, makes no folder, and exits with 0."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.in_ci import real_part
from tests.repository import REPOSITORY as CLONE
from tests.targets.slurm.double import Double

WORDS = "sbatch: Job 12 to start at 2026-11-23T19:53:55 using 56 processors on nodes nid005000 in partition dev-g"


def dry_run(tmp_path: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], Double, Path]:
    double = Double(tmp_path / "bin")
    double.says("test-only", {"err": WORDS})
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(CLONE / "checks"), "-c", str(CLONE / "pyproject.toml"), "--rootdir",
         str(CLONE), "--lumi-dry-run", *options],
        cwd=work, env={**double.env(), "WANDB_API_KEY": "k" * 40}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    return done, double, work


@real_part
def test_dry_run_submits_nothing(tmp_path):
    done, double, work = dry_run(tmp_path, "--lumi-account", "project_462000001")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("#!/bin/bash\n#SBATCH")
    assert WORDS in done.stderr
    assert "0.67 GPU-hours" in done.stderr
    assert "so this job would not be submitted" in done.stderr, "LUMI's image is not here"
    assert "k" * 40 not in done.stdout + done.stderr + str(double.calls())
    assert all("--test-only" in call[2] for call in double.calls("sbatch"))
    assert not list(work.iterdir())


@real_part
def test_wrong_settings_are_a_usage_error(tmp_path):
    done, double, _ = dry_run(tmp_path, "--lumi-nodes", "none")
    assert done.returncode == 4
    assert "--lumi-nodes" in done.stderr
    assert not double.calls("sbatch")


@real_part
def test_cost_of_an_own_batch_script_is_its_own_affair(tmp_path):
    (tmp_path / "mine.sh").write_text("#!/bin/bash\n#SBATCH --nodes=4\n")
    done, _, _ = dry_run(tmp_path, "--job", str(tmp_path / "mine.sh"))
    assert done.stdout == (tmp_path / "mine.sh").read_text()
    assert "GPU-hours" not in done.stderr
