"""The example of a job that goes on after a restart: its checkpoint, and its twin in examples/."""

import importlib.util
import sys

import pytest

from tests.in_ci import real_part
from tests.repository import REPOSITORY

SCRIPT = REPOSITORY / "harness" / "jobs" / "ddp_requeue.py"


@pytest.fixture(scope="module")
def torch():
    """Imported where it is used: it takes seconds."""
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def job(torch):
    spec = importlib.util.spec_from_file_location("ddp_requeue", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["ddp_requeue"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ddp_requeue"]


def trained(torch, seed):
    torch.manual_seed(seed)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return model, optimizer


@real_part
def test_without_a_checkpoint_training_begins_at_the_first_epoch(job, torch, tmp_path):
    assert job.load(tmp_path / "checkpoint.pt", *trained(torch, 1)) == 0


@real_part
def test_a_checkpoint_brings_back_model_optimizer_epoch_and_random_numbers(job, torch, tmp_path):
    path, (model, optimizer) = tmp_path / "checkpoint.pt", trained(torch, 1)
    job.save(
        path, epoch=2, model=model.state_dict(), optimizer=optimizer.state_dict(), rng=torch.get_rng_state()
    )  # fmt: skip
    expected = torch.rand(3)
    other, its_optimizer = trained(torch, 2)
    assert job.load(path, other, its_optimizer) == 3
    assert torch.equal(other.weight, model.weight)
    assert its_optimizer.state_dict()["state"][0]["step"] == optimizer.state_dict()["state"][0]["step"]
    assert torch.equal(torch.rand(3), expected)


@real_part
def test_a_kill_while_it_saves_leaves_the_last_checkpoint_whole(job, torch, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"the last one")

    def killed(_state, new):
        new.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        job.save(path, epoch=1)
    assert path.read_bytes() == b"the last one"


def test_the_example_is_the_job():
    assert (REPOSITORY / "examples" / "requeue" / "train.py").read_text() == SCRIPT.read_text()
