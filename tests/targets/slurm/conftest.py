"""Time that the test lets pass, and a double of Slurm's commands that knows one job which waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.slurm.double import Double, queued, shown
from tests.targets.slurm.targets import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("harness.targets.slurm.target.time.sleep", found.sleep)
    return found


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Double:
    found = Double(tmp_path / "bin")
    monkeypatch.setenv("PATH", found.env()["PATH"])
    found.says("sbatch", {"out": "4242\n"})
    found.says("squeue", queued("PENDING", "Priority"))
    found.says("scontrol", shown("PENDING"))
    found.says("sacct", {"out": ""})
    return found
