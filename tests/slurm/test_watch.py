"""Jobs of a real Slurm are watched: many by one watcher, one that freezes, and one from its own batch script."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from tests.faults.scenario import PRELUDE, init_job
from tests.repository import REPOSITORY
from tests.slurm.daemons import belonging, end_all, wait_until
from tests.slurm.playing import Player

SETTINGS = "x_file_stream_transmit_interval=1"
ENDS_WELL = """
import signal
def told_to_end(*_):
    raise SystemExit(0)
signal.signal(signal.SIGTERM, told_to_end)
"""
TRAIN = init_job('id=os.environ["RUN"]', settings=SETTINGS, before=ENDS_WELL, train="train(run, 900, 0.2)")
WATCH = f"{sys.executable} -m harness watch"


def start(player: Player, run: str, *options: str) -> str:
    """Submit a training; returns its job once it has logged 30 rows."""
    (player.work / "train.py").write_text(PRELUDE + TRAIN)
    job = player.submit(f"exec {sys.executable} train.py", *options, name=f"{run}.sh", RUN=run)
    wait_for_rows(player, run)
    return job


def wait_for_rows(player: Player, run: str, rows: int = 30) -> None:
    """Wait until so much of a run is on the server."""
    wait_until("rows", lambda: any(r.name == run and len(r.rows) > rows for r in player.server.store.runs()), 90, 0.3)


def node_of(player: Player, job: str) -> str:
    """Say where a job runs."""
    return player.lab.say("squeue", "-h", "-j", job, "-o", "%N").strip()


def environment(player: Player) -> dict[str, str]:
    """The user's, with a squeue that notes each call."""
    env = player.settle()
    folder = player.root / "bin"
    folder.mkdir(exist_ok=True)
    real = shutil.which("squeue", path=env["PATH"])
    noted = shlex.quote(str(player.root / "squeue.calls"))
    (folder / "squeue").write_text(f'#!/bin/sh\necho "$(date +%s.%N) $*" >> {noted}\nexec {real} "$@"\n')
    (folder / "squeue").chmod(0o755)
    return {**env, "PATH": f"{folder}:{env['PATH']}", "PYTHONPATH": str(REPOSITORY)}


def harness(player: Player, *arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    """The command, as the user calls it on the login node."""
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments], cwd=player.work, env=environment(player), check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s,
    )  # fmt: skip


def test_many_jobs_are_watched_by_one_with_one_squeue(player: Player) -> None:
    training = start(player, "many")
    jobs = [training, *(player.submit("sleep 300", name=f"sleep-{n}.sh") for n in range(22))]
    watched = harness(player, "watch", *jobs, "--until", "20s")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert f"{training}  works" in watched.stdout
    assert all(f"{job}  " in watched.stdout for job in jobs)
    calls = [line.split(" ", 1) for line in (player.root / "squeue.calls").read_text().splitlines()]
    assert all(words.count(",") == len(jobs) - 1 for _, words in calls)
    assert all(float(b[0]) - float(a[0]) > 4 for a, b in pairwise(calls))
    assert 3 <= len(calls) <= 5
    attached = harness(player, "check", "--lumi-attach", training, "--expect", "loss,acc", "--report", "attached")
    verdict = json.loads((player.work / "attached" / "verdict.json").read_text())
    assert (attached.returncode, verdict["live"]) == (0, True), attached.stdout


@pytest.mark.thorough
def test_a_node_that_freezes_while_slurm_says_running(player: Player) -> None:
    job = start(player, "freezes")
    told = player.root / "told"
    noted = f'echo "$HARNESS_WATCH_EVENT $HARNESS_WATCH_FAULT" >> {shlex.quote(str(told))}'
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "watch", job, "--on-problem", noted], cwd=player.work,
        env=environment(player), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    ) as watch:  # fmt: skip
        frozen = belonging("RUN=freezes")
        try:
            time.sleep(8)
            for process in frozen:
                os.kill(process, signal.SIGSTOP)
            wait_until("told", lambda: told.exists() and "live-no-heartbeat" in told.read_text(), 150, 0.5)
            assert player.jobs() == [f"{job} RUNNING"]
        finally:
            for process in frozen:
                os.kill(process, signal.SIGCONT)
        wait_until("mended", lambda: "mended" in told.read_text(), 150, 0.5)
        player.lab.run("scancel", job)
        watch.wait(90)
    assert told.read_text().splitlines()[:2] == ["problem live-no-heartbeat", "mended "]


@pytest.mark.thorough
def test_a_node_that_goes_down(player: Player) -> None:
    job = start(player, "dies", "--no-requeue", "--output=dies.out", "--open-mode=append")
    node = node_of(player, job)
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "watch", job], cwd=player.work, env=environment(player),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as watch:  # fmt: skip
        time.sleep(8)
        try:
            player.lab.daemons[node].stop(0)
            end_all(lambda: [*belonging("RUN=dies"), *belonging(f"slurmstepd: [{job}.")])
            told, _ = watch.communicate(timeout=240)
        finally:
            player.lab.daemons[node].start()
    assert "node_fail" in told or "live-no-heartbeat" in told  # Slurm may say RUNNING for a while yet
    assert watch.returncode == 1


@pytest.mark.thorough
def test_from_its_own_batch_script_it_tells_what_arrived_before_the_time_limit(player: Player) -> None:
    (player.work / "train.py").write_text(PRELUDE + TRAIN)
    body = f"""
{WATCH} $SLURM_JOB_ID --until end --report watch-$SLURM_JOB_ID > watch.log 2>&1 &
watch=$!
trap 'kill -TERM $training' USR1
{sys.executable} train.py &
training=$!
wait $training; wait $training
kill -TERM $watch; wait $watch
echo "the watch said $?" >> watch.log
"""
    job = player.submit(body, "--signal=B:USR1@30", RUN="inside", PYTHONPATH=str(REPOSITORY))
    wait_for_rows(player, "inside")
    player.lab.run("scontrol", "update", f"jobid={job}", "TimeLimit=1")
    player.ended(job, timeout_s=150)
    told = (player.work / "watch.log").read_text()
    assert "the watch said 0" in told, told
    assert "verdict passed" in told
    assert (player.work / f"watch-{job}" / job / "report.html").exists()
