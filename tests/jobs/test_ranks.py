"""The training look-alike: the job's lines and logging without torch."""

import re
import signal
import subprocess
import sys

import pytest

from harness.loopback.server import LoopbackServer
from harness.targets.process import ProcessGroup
from tests.jobs.runs import inspect, logged
from tests.repository import REPOSITORY

SCRIPT = REPOSITORY / "tests" / "jobs" / "ranks.py"
pytestmark = pytest.mark.slow


def run(env, tmp_path, *options):
    argv = [sys.executable, str(SCRIPT), *options]
    return subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)


def test_two_ranks_and_one_run(env, tmp_path):
    done = run(env, tmp_path, "--nproc", "2", "--epochs", "3", "--pause", "0.05", "--stats-interval", "0.5")
    assert done.returncode == 0, done.stderr
    joined = sorted(
        re.findall(r"^Rank (\d) of 2 joined \(local rank (\d), host \S+, device cpu\)$", done.stdout, re.MULTILINE)
    )
    assert joined == [("0", "0"), ("1", "1")]
    assert re.findall(r"^Epoch (\d), Loss: ([\d.]+)$", done.stdout, re.MULTILINE) == [
        ("1", "2.0"), ("2", "1.0"), ("3", "0.6666666666666666"),
    ]  # fmt: skip
    assert re.findall(r"^Accuracy: ([\d.]+)%$", done.stdout, re.MULTILINE) == ["40.0", "70.0", "80.0"]
    seen = inspect(tmp_path)
    assert (seen["state"], seen["exit_code"], seen["step"]) == ("finished", 0, 2)
    assert (seen["project"], seen["name"]) == ("LUMI-visualtransformer", "Example run")
    assert seen["config"]["world_size"] == 2
    assert seen["summary"]["loss"] == pytest.approx(2 / 3)


def test_the_environment_names_the_project(env, tmp_path):
    done = run(env | {"WANDB_PROJECT": "mine"}, tmp_path, "--epochs", "1", "--pause", "0")
    assert done.returncode == 0, done.stderr
    assert inspect(tmp_path)["project"] == "mine"


def test_sigterm_closes_the_run_as_failed(env, tmp_path):
    argv = [sys.executable, str(SCRIPT), "--nproc", "2", "--pause", "20"]
    with ProcessGroup(argv, cwd=tmp_path, env=env, log=tmp_path / "log") as job:
        while not any("Run data is saved" in line for line in job.new_lines()):
            assert job.wait(0.1) is None
        assert job.terminate(grace_s=20) == 128 + signal.SIGTERM
    assert inspect(tmp_path)["exit_code"] == 128 + signal.SIGTERM


def test_sigterm_loses_no_row(env, tmp_path, monkeypatch):
    with LoopbackServer() as server:
        online = env | server.environment() | {"WANDB_MODE": "online"}
        argv = [sys.executable, str(SCRIPT), "--nproc", "2", "--pause", "0.1", "--epochs", "1000"]
        with ProcessGroup(argv, cwd=tmp_path, env=online, log=tmp_path / "log") as job:
            while not any("Epoch 5" in line for line in job.new_lines()):
                assert job.wait(0.05) is None
            assert job.terminate(grace_s=20) == 128 + signal.SIGTERM
        rows, state = logged(server, monkeypatch)
    printed = [float(x) for x in re.findall(r"^Epoch \d+, Loss: (\S+)$", (tmp_path / "log").read_text(), re.MULTILINE)]
    assert len(printed) >= 5
    # the signal may come between printing a row and logging it
    assert [row["loss"] for row in rows] in (pytest.approx(printed), pytest.approx(printed[:-1]))
    assert state == "failed"


def test_rows_are_seen_while_the_job_runs(env, tmp_path, monkeypatch):
    with LoopbackServer() as server:
        online = env | server.environment() | {"WANDB_MODE": "online"}
        argv = [sys.executable, str(SCRIPT), "--pause", "0.05", "--upload-interval", "1", "--min-seconds", "20"]
        with ProcessGroup(argv, cwd=tmp_path, env=online, log=tmp_path / "log") as job:
            while not any("Epoch 4" in line for line in job.new_lines()):
                assert job.wait(0.05) is None
            assert job.wait(1.5) is None
            rows, state = logged(server, monkeypatch)
    assert len(rows) == 4
    assert state == "running"
