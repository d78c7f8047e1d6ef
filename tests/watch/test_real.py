"""Real runs with the real SDK against the embedded server, judged and watched while they run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.loopback.server import LoopbackServer
from harness.watch.ledger import Ledger
from tests.faults.run import clean_environment
from tests.targets.slurm.double import Double

SCRIPT = """
import sys, time, wandb
settings = wandb.Settings(x_file_stream_transmit_interval=1, x_stats_sampling_interval=1)
run = wandb.init(project="live", id=sys.argv[1], config={"learning_rate": 0.1}, settings=settings)
for n in range(1000):
    run.log({"loss": 1 / (n + 1), **({} if "lacking" in sys.argv[1] else {"acc": n / 1000})})
    print("step", n, flush=True)
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as made:
        yield made


@contextmanager
def logging_run(
    server: LoopbackServer, run: str, folder: Path, output: Path = Path(os.devnull)
) -> Iterator[subprocess.Popen[bytes]]:
    """A script that logs while the block runs, once it has logged 30 steps."""
    script = folder / "train.py"
    script.write_text(SCRIPT)
    env = {**clean_environment(), **server.environment(), "WANDB_DIR": str(folder)}
    with (
        output.open("wb") as printed,
        subprocess.Popen(
            [sys.executable, str(script), run], cwd=folder, env=env, stdout=printed, stderr=subprocess.STDOUT
        ) as job,
    ):
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end and not any(r.name == run and len(r.rows) > 30 for r in server.store.runs()):
                time.sleep(0.2)
            yield job
        finally:
            job.kill()


def harness(
    server: LoopbackServer, folder: Path, *arguments: str, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess[str]:
    """The command, as a user calls it."""
    env = {**clean_environment(), **server.environment(), "PATH": path}
    return subprocess.run([sys.executable, "-m", "harness", *arguments], cwd=folder, env=env, capture_output=True,
                          text=True, timeout=180, check=False)  # fmt: skip


@pytest.mark.slow
@pytest.mark.sample
def test_a_run_is_judged_while_it_runs(server, tmp_path):
    entity = server.environment().get("WANDB_ENTITY", "loopback")
    with logging_run(server, "alive", tmp_path):
        for ways in (("--run", f"{entity}/live/alive"), ("--run-dir", str(tmp_path / "wandb"))):
            done = harness(server, tmp_path, "check", *ways, "--expect", "loss,acc", "--report", str(tmp_path / "r"))
            assert done.returncode == 0, done.stdout
            verdict = json.loads((tmp_path / "r" / "verdict.json").read_text())
            assert verdict["live"] is True
            assert "works so far: " in done.stdout
        watched = harness(server, tmp_path, "watch", "--once", f"{entity}/live/alive", str(tmp_path / "wandb"))
        assert watched.returncode == 0, watched.stdout
        assert watched.stdout.count("works") == 2
        every = harness(server, tmp_path, "watch", "--once", "--project", f"{entity}/live", "--user")
        assert "/live/alive  works" in every.stdout


@pytest.mark.slow
def test_what_is_wrong_is_told_while_it_runs(server, tmp_path):
    entity = server.environment().get("WANDB_ENTITY", "loopback")
    command = f"echo $HARNESS_WATCH_EVENT $HARNESS_WATCH_FAULT >> {tmp_path}/told"
    with logging_run(server, "lacking", tmp_path) as job:
        once = ("watch", f"{entity}/live/lacking", "--expect", "loss,acc", "--once", "--on-problem", command)
        assert harness(server, tmp_path, *once).returncode == 1
        assert harness(server, tmp_path, *once).returncode == 1
        assert (tmp_path / "told").read_text() == "problem metric-missing-key\n"
        job.send_signal(signal.SIGKILL)
        job.wait()
        # The SDK's own process outlives the script for a moment, and is a sign of life as long.
        end = time.monotonic() + 60
        while (seen := harness(server, tmp_path, "watch", str(tmp_path / "wandb"), "--once")).returncode != 1:
            assert time.monotonic() < end, seen.stdout
    assert "metric-missing-key" in harness(server, tmp_path, "watch", "--history").stdout


@pytest.mark.slow
def test_a_slurm_job_is_found_by_what_it_prints(server, tmp_path):
    double = Double(tmp_path / "bin")
    double.says("squeue", {"out": "4242|RUNNING|1:00:00|None\n"})
    double.says("scontrol", {"out": f"JobId=4242 JobState=RUNNING StdOut={tmp_path}/slurm-4242.out\n"})
    with logging_run(server, "job", tmp_path, tmp_path / "slurm-4242.out"):
        watched = harness(server, tmp_path, "watch", "4242", "--once", path=double.env()["PATH"])
        assert watched.returncode == 0, watched.stdout
        assert "4242  works" in watched.stdout
        assert "left 60 min" in watched.stdout
        # Attaching reads the same commands in formats of its own.
        double.says("squeue", {"out": "4242|RUNNING|N/A|1:00|1:00:00|nid005001|None\n"})
        words = ("check", "--lumi-attach", "4242", "--report", str(tmp_path / "r"))
        attached = harness(server, tmp_path, *words, path=double.env()["PATH"])
        assert json.loads((tmp_path / "r" / "verdict.json").read_text())["live"] is True, attached.stdout
        assert attached.returncode == 0, attached.stdout


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    found = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return found | {below for child in found for below in descendants(child)}


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "within_s"), [(signal.SIGINT, 5.0), (signal.SIGTERM, 30.0)])
def test_it_ends_in_time_while_it_verifies(server, tmp_path, sent, within_s):
    now, name = time.time(), f"late-{sent.name}"
    rows = [{"_step": n, "loss": 1.0, "acc": 0.5, "_timestamp": now - 90 + n} for n in range(60)]
    # Its heartbeat is late, so that the verification waits for the next one.
    server.store.seed_run("loopback", "ends", name, state="running", history=rows, summary=rows[-1],
                          created_at=now - 100, heartbeat_at=now - 32)  # fmt: skip
    watching = [sys.executable, "-m", "harness", "watch", f"loopback/ends/{name}"]
    env = {**clean_environment(), **server.environment()}
    with subprocess.Popen(watching, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as watch:
        try:
            end = time.monotonic() + 60
            while len(started := descendants(watch.pid)) < 2:
                assert time.monotonic() < end
                time.sleep(0.2)
            time.sleep(3)
            begun = time.monotonic()
            watch.send_signal(sent)
            said = watch.communicate(timeout=60)[0].decode()
        finally:
            watch.kill()
    assert time.monotonic() - begun < within_s
    assert "Traceback" not in said
    assert watch.returncode in (0, 1), said
    gone_by = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < gone_by:
        time.sleep(0.1)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    ledger = Ledger(tmp_path / ".harness" / "watch")
    assert ledger.of(f"loopback/ends/{name}")[0].event == "begin"
    assert not list((tmp_path / ".harness").rglob("*.tmp"))


def process(pid: int) -> tuple[float, float]:
    """Seconds of processor time that it used so far by itself, and its largest memory in MB."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert peak
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"), int(peak[1]) / 1024


@pytest.mark.slow
def test_two_hundred_runs_are_watched_by_one_small_process(server, tmp_path):
    now = time.time()
    rows = [{"_step": n, "loss": 1.0, "acc": 0.5, "_timestamp": now - 60 + n} for n in range(60)]
    gpus = {f"system.gpu.{n}.{what}": 90.0 for n in range(8) for what in ("gpu", "powerWatts", "temp", "memory")}
    for n in range(200):
        server.store.seed_run(
            "loopback", "many", f"many-{n}", state="running", history=rows, summary=rows[-1], created_at=now - 100,
            events=[{"_runtime": 90, "_timestamp": now, "system.cpu": 50.0, **gpus}], heartbeat_at=now + 60,
        )  # fmt: skip
    watching = [sys.executable, "-m", "harness", "watch", "--project", "loopback/many", "--until", "60s"]
    with subprocess.Popen(
        watching, cwd=tmp_path, env={**clean_environment(), **server.environment()}, stdout=subprocess.PIPE, text=True
    ) as watch:
        try:
            assert watch.stdout
            shown = {watch.stdout.readline().split()[2] for _ in range(200)}
            begun, _ = process(watch.pid)
            time.sleep(16)
            ended, peak_mb = process(watch.pid)
        finally:
            watch.kill()
    assert shown == {f"loopback/many/many-{n}" for n in range(200)}
    assert 1 <= len(list((tmp_path / ".harness/watch").glob("*/report.html"))) <= 20  # the others wait for their turn
    assert peak_mb <= 60
    assert ended - begun < 3 * 0.6  # three looks, which are a minute apart in the end
