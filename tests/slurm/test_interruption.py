"""Interruptions: the job is cancelled or kept, whoever interrupted learns how to come back, and nothing is left."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tests.in_ci import first_in_ci
from tests.slurm.daemons import wait_until
from tests.slurm.interruptions import Moment, interrupt, moments, own
from tests.slurm.playing import TRAIN, Player

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def slow(player: Player) -> tuple[str, ...]:
    """A training that takes 20 seconds."""
    script = player.work / "train.py"
    script.write_text(
        TRAIN.read_text().replace('"--pause", type=float, default=0.3', '"--pause", type=float, default=5')
    )
    return ("--job", str(script))


def end(process: subprocess.Popen[str], number: int) -> str:
    """Send a signal to the harness alone, as `kill` does; return its output."""
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    return out


def nothing_left(player: Player) -> None:
    """No job, no process, no file beside the report folder and what the user had."""
    wait_until("jobs gone", lambda: not player.jobs(), 20)
    wait_until("processes gone", lambda: not own(player), 20)
    assert {p.name for p in player.work.iterdir()} <= {"train.py", "wandb"}


@pytest.mark.parametrize("number", first_in_ci(SIGNALS))
def test_signal_cancels_the_running_job(player: Player, number: int) -> None:
    process = player.start(*slow(player))
    job = player.wait_for_job(process)
    wait_until("running", lambda: player.jobs() == [f"{job} RUNNING"], 30)
    out = end(process, number)
    assert process.returncode == 2
    assert f"Slurm job {job} was cancelled" in out
    nothing_left(player)


def test_signal_cancels_the_waiting_job(player: Player) -> None:
    player.lab.run("sbatch", "-A", "project_462000001", "-p", "dev-g", "-o", "/dev/null", "--wrap", "sleep 120")
    process = player.start(*slow(player))
    job = player.wait_for_job(process)
    out = end(process, signal.SIGTERM)
    assert f"Slurm job {job} was cancelled" in out
    assert job not in " ".join(player.jobs())


def test_keep_leaves_the_job_and_attach_finds_it(player: Player) -> None:
    process = player.start("--lumi-keep", *slow(player), report="../work/.harness/first")
    job = player.wait_for_job(process, report="../work/.harness/first")
    out = end(process, signal.SIGINT)
    assert f"Slurm job {job} goes on; come back with: pytest checks --lumi-attach {job}" in out
    assert job in " ".join(player.jobs())
    # It runs on: what is there is judged at once, and the run comes when the script has imported wandb.
    wait_until("a run", lambda: any(p.runs for p in player.server.store.projects()), 60)
    seen = player.verify("--lumi-attach", job, report="second")
    assert seen.code == 0, seen.out
    assert seen.slurm["attached"] is True
    assert seen.slurm["job_id"] == job
    assert len(seen.verdict["runs"]) == 1, seen.out


def test_attach_to_a_job_that_has_ended(player: Player) -> None:
    first = player.verify("--job", str(TRAIN), report="../work/.harness/first")
    seen = player.verify("--lumi-attach", first.slurm["job_id"], report="second")
    assert seen.code == 0, seen.out
    assert seen.verdict["runs"] == first.verdict["runs"]
    assert seen.log == first.log


def test_second_interrupt_does_not_stop_the_cancelling(player: Player) -> None:
    process = player.start(*slow(player))
    player.wait_for_job(process)
    time.sleep(2)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    process.communicate(timeout=60)
    nothing_left(player)


@pytest.mark.parametrize("moment", first_in_ci(moments(5, seed=89), most=3), ids=str)
def test_nothing_is_left_after_an_interruption_at_a_random_moment(player: Player, moment: Moment) -> None:
    """A quick part of `python -m tests.slurm.interruptions`."""
    _, problems = interrupt(player, moment, "n1")
    assert not problems
