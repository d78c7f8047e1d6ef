"""The DDP job: its data, its options, what it prints and logs, and how it ends."""

import importlib.util
import os
import re
import signal
import socket
import sys
import time

import pytest

from harness.loopback.server import LoopbackServer
from harness.targets.process import ProcessGroup, launch_argv, survivors
from tests.jobs.runs import inspect, logged
from tests.repository import REPOSITORY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed"),
]
SCRIPT = REPOSITORY / "harness" / "jobs" / "ddp_vit.py"


@pytest.fixture(scope="module")
def job():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("ddp_vit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["ddp_vit"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ddp_vit"]


def torchrun(env, tmp_path, nproc, *options):
    return ProcessGroup(
        launch_argv(SCRIPT, nproc, script_args=options), cwd=tmp_path, env=env, log=tmp_path / "job.log"
    )


def test_two_ranks_train_and_rank_0_logs(env, tmp_path):
    with torchrun(env, tmp_path, 2, "--epochs", "3", "--min-seconds", "3", "--stats-interval", "0.5") as group:
        assert group.wait(120) == 0, (tmp_path / "job.log").read_text()
        assert survivors(group.token) == []
    output = (tmp_path / "job.log").read_text()
    joined = re.findall(r"^Rank (\d) of 2 joined \(local rank (\d), host (\S+), device cpu\)$", output, re.MULTILINE)
    assert sorted(joined) == [(rank, rank, socket.gethostname()) for rank in "01"]
    losses = [float(x) for x in re.findall(r"^Epoch \d, Loss: (\S+)$", output, re.MULTILINE)]
    accuracies = [float(x) for x in re.findall(r"^Accuracy: (\S+)%$", output, re.MULTILINE)]
    assert len(losses) == len(accuracies) == 3
    assert losses[0] > losses[1] > losses[2]
    assert accuracies[-1] > accuracies[0] > 100 / 10
    seen = inspect(tmp_path)
    assert (seen["state"], seen["exit_code"], seen["step"]) == ("finished", 0, 2)
    assert (seen["project"], seen["name"]) == ("LUMI-visualtransformer", "Example run")
    assert seen["config"] == {
        "learning_rate": 0.001, "architecture": "vit_tiny", "epochs": 3, "batch_size": 32, "world_size": 2,
    }  # fmt: skip
    assert seen["summary"]["loss"] == pytest.approx(losses[-1])
    assert seen["summary"]["acc"] == pytest.approx(accuracies[-1])
    assert seen["summary"]["_runtime"] >= 1


def test_against_a_server_every_row_arrives(env, tmp_path, monkeypatch):
    with LoopbackServer() as server:
        online = env | server.environment() | {"WANDB_MODE": "online"}
        with torchrun(online, tmp_path, 2, "--upload-interval", "1") as group:
            assert group.wait(120) == 0, group.log.read_text()
        rows, state = logged(server, monkeypatch)
        assert server.unknown_operations == server.crashes == []
    assert state == "finished"
    losses = re.findall(r"^Epoch \d, Loss: (\S+)$", group.log.read_text(), re.MULTILINE)
    assert [row["loss"] for row in rows] == pytest.approx([float(x) for x in losses])
    assert [row["_step"] for row in rows] == [0, 1, 2, 3]


def test_sigterm_under_torchrun_closes_the_run(env, tmp_path):
    with torchrun(env, tmp_path, 2, "--epochs", "100000") as group:
        wait_for_line(group, "Epoch 2")
        begun = time.monotonic()
        assert group.terminate(grace_s=30) == 1  # torchrun's own; the ranks' stands in the run
        assert time.monotonic() - begun < 25
    seen = inspect(tmp_path)
    assert (seen["state"], seen["exit_code"]) == ("failed", 128 + signal.SIGTERM)
    assert seen["step"] >= 1


def wait_for_line(group, text, seconds=90):
    end = time.monotonic() + seconds
    while not any(text in line for line in group.new_lines()):
        assert group.wait(0.05) is None, group.log.read_text()
        assert time.monotonic() < end, group.log.read_text()


def ranks(env, tmp_path, count):
    """Start ranks the way plain srun does: Slurm's variables, no launcher."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slurm = {"SLURM_NTASKS": str(count), "SLURM_NNODES": "1", "MASTER_PORT": str(port)}
    return [
        ProcessGroup(
            [sys.executable, str(SCRIPT), "--epochs", "100000"],
            cwd=tmp_path,
            env=env | slurm | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
            log=tmp_path / f"rank{rank}.log",
        )
        for rank in range(count)
    ]


def test_under_srun_both_ranks_end_with_143(env, tmp_path):
    first, second = ranks(env, tmp_path, 2)
    with first, second:
        wait_for_line(first, "Epoch 1")
        assert "Rank 1 of 2 joined (local rank 1," in second.new_lines()[0]
        second.wait(0)
        os.kill(second.pid, signal.SIGTERM)  # the other rank's collective breaks before its own signal comes
        time.sleep(0.3)
        os.kill(first.pid, signal.SIGTERM)
        assert [first.wait(20), second.wait(20)] == [143, 143]
    assert inspect(tmp_path)["exit_code"] == 143


def test_a_rank_stuck_in_a_collective_still_closes_its_run(env, tmp_path):
    first, second = ranks(env, tmp_path, 2)
    with first, second:
        wait_for_line(first, "Epoch 1")
        second.wait(0)
        os.kill(second.pid, signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(first.pid, signal.SIGTERM)
        assert first.wait(20) == 143
        second.terminate(grace_s=0)
    assert inspect(tmp_path)["exit_code"] == 143


def test_a_lost_rank_fails_the_run(env, tmp_path):
    first, second = ranks(env, tmp_path, 2)
    with first, second:
        wait_for_line(first, "Epoch 1")
        second.wait(0)
        os.kill(second.pid, signal.SIGKILL)
        assert first.wait(30) == 1
        assert second.wait(5) == -signal.SIGKILL
    assert inspect(tmp_path)["exit_code"] == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--epochs", "0"], "argument --epochs: '0' is not a whole number of at least 1."),
        (["--epochs", "1e3"], "argument --epochs: '1e3' is not a whole number of at least 1."),
        (["--learning-rate", "nan"], "argument --learning-rate: 'nan' is not a number above 0."),
        (["--stats-interval", "0.05"], "argument --stats-interval: '0.05' is not a number of at least 0.1."),
        (["--data", "no.hdf5"], "--data no.hdf5 is not a file."),
        (["--epoch", "3"], "unrecognized arguments: --epoch 3"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(job, capsys, monkeypatch, options, sentence):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setattr(sys, "argv", ["ddp_vit.py"])
    with pytest.raises(SystemExit) as refusal:
        job.parse(options)
    assert refusal.value.code == 2
    assert capsys.readouterr().err == f"ddp_vit.py: {sentence}\n"
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit):
        job.parse(options)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, (0, 1, 0)),
        ({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}, (3, 8, 1)),
        ({"SLURM_PROCID": "9", "SLURM_NTASKS": "16", "SLURM_LOCALID": "1"}, (9, 16, 1)),
        ({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "3", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, (3, 8, 3)),
    ],
)
def test_rank_comes_from_torchrun_else_from_slurm(job, env, expected):
    assert job.find_rank(env) == job.Rank(*expected)


def test_generated_images_are_the_same_every_time_and_tell_classes_apart(job):
    one, two = job.Generated(200, 32), job.Generated(200, 32)
    assert (one.images == two.images).all()
    assert (one.labels == two.labels).all()
    image, label = one[0]
    assert tuple(image.shape) == (3, 32, 32)
    assert 0 <= int(label) < one.classes
    assert tuple(job.Generated(20, 224)[0][0].shape) == (3, 224, 224)
    means = [one.images[one.labels == c].mean((0, 2, 3)) for c in range(one.classes)]
    assert min(float((means[c] - means[c - 1]).abs().max()) for c in range(one.classes)) > 0.01


def test_hdf5_of_the_guide_is_read(job, tmp_path):
    h5py = pytest.importorskip("h5py")
    numpy = pytest.importorskip("numpy")
    with h5py.File(tmp_path / "train.hdf5", "w") as file:
        file["images"] = numpy.random.default_rng(1).random((50, 3, 64, 64), dtype="f")
        file["labels"] = numpy.arange(50, dtype="i")
    data = job.Hdf5(str(tmp_path / "train.hdf5"), 25, 32)
    assert (len(data), data.classes) == (25, 50)
    assert int(data[24][1]) == 49
    assert tuple(data[3][0].shape) == (3, 32, 32)


def test_vit_b_16_is_the_guides_architecture(job):
    options = job.parse(["--model", "vit_b_16", "--images", "20"])
    name, data, model, rate = job.build(options, job.torch.device("cpu"))
    assert (name, rate) == ("vit_b_16", 1e-4)
    assert data.side == 224
    assert sum(p.numel() for p in model.parameters()) > 85_000_000
