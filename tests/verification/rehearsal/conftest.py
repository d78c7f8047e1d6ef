"""Rehearses a user's script: the verdict, and the folder in which it was played."""

import os
import sys

import pytest

from harness.judging.judge import judge
from harness.settings.resolve import resolve
from harness.verification.progress import Silent
from harness.verification.rehearsal import rehearse as rehearsing
from harness.verification.verify import verify


def environment():
    """The user's, without W&B's and Slurm's variables."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "SLURM"))}


@pytest.fixture
def played(tmp_path, monkeypatch):
    """The verdict on a script after a rehearsal; `patience_s` is how long a start may be late."""

    def play(text, rehearse, plan=None, patience_s=60.0, nproc=None):
        monkeypatch.setattr(rehearsing.rehearse, "__defaults__", (patience_s,))
        (tmp_path / "train.py").write_text(text)
        (tmp_path / "job.sh").write_text(f"# train.py handles USR1\nexec {sys.executable} train.py\n")
        report = tmp_path / f"report-{len(list(tmp_path.iterdir()))}"
        report.mkdir()
        job = "train.py" if nproc else "job.sh"
        given = {"wandb_job": job, "wandb_nproc": nproc, "wandb_rehearse": rehearse, "wandb_rehearse_plan": plan}
        settings = resolve({f"harness_{k}": v for k, v in given.items()}, {}, lambda _: "", tmp_path)
        return judge(verify(settings, report, Silent(), environment()))

    return play
