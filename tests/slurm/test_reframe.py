"""The ReFrame check on a real Slurm, both ways: the harness submits its job, or ReFrame submits the harness."""

from __future__ import annotations

from tests.examples.reframes import run, settings
from tests.slurm.configuration import ACCOUNT
from tests.slurm.playing import TRAIN, Player


def test_the_harness_submits_its_own_job(player: Player) -> None:
    environ = player.settle()
    options = ["--lumi", *player.always(["--lumi"])[1:], "--job", str(TRAIN)]
    done = run(player.root, settings(player.root / "settings.py"), options, environ)
    assert done.returncode == 0, done.stdout
    assert "P: job_ended_s" in done.stdout  # so short a job may have ended before it was looked at
    assert not player.jobs()


def test_reframe_submits_the_harness(player: Player) -> None:
    environ = player.settle()
    access = [f"--account={ACCOUNT}", "--partition=small-g", "--mem=4G"]
    config = settings(player.root / "settings.py", "slurm", "local", access=access)
    done = run(player.root, config, ["--job", str(TRAIN)], environ, local="no", time_limit="5m")
    assert done.returncode == 0, done.stdout
    assert "P: job_ended_s" in done.stdout
