"""What a verdict costs at the server: at most 12 requests, however long the run and however many its neighbours."""

import os

import pytest

from harness.evidence.server.find import Where, read, read_one
from harness.evidence.server.reader import Reader
from harness.loopback.rows import GeneratedLog
from harness.loopback.server import LoopbackServer

pytestmark = pytest.mark.slow
MOST_REQUESTS = 12
TOKEN = "harness-0123456789ab"
RECORDED = {"_wandb": {"e": {"w": {"host": "nid005001", "program": "train.py", "slurm": {"job_id": "77"}}}}}
SERIES = ("loss", "acc", "lr", "epoch", "precision", "recall", "f1", "speed")


def history(steps: int) -> GeneratedLog:
    """Rows of many metrics; takes no memory."""
    return GeneratedLog(steps=steps, series=dict.fromkeys(SERIES, float))


@pytest.fixture(scope="module")
def backend():
    with LoopbackServer() as server:
        seed = server.store.seed_run
        mine = {"username": "loopback-user", "exit_code": 0, "history": history(10)}
        seed("loopback", "long", "short", **mine, config=RECORDED)
        seed("loopback", "long", "million", **{**mine, "history": history(1_000_000)}, config=RECORDED, created_at=1e6)
        seed("loopback", "long", "old", **mine, created_at=2e6, files={"wandb-metadata.json": b'{"host": "nid005001"}'})
        for number in range(10_000):
            seed("loopback", "wide", f"r{number}", username="loopback-user", created_at=1e6 + 60 * number)
        seed("loopback", "wide", "mine", **mine, config=RECORDED, tags=[TOKEN])
        for number in range(1024):
            seed("loopback", "dup", f"d{number}", **mine, config=RECORDED, created_at=2e6 + number / 200, tags=[TOKEN])
        yield server


@pytest.mark.parametrize(
    ("project", "run", "total"),
    [
        ("long", "short", 1),
        ("long", "million", 1),
        ("long", "old", 1),  # its environment is in a file of its own
        ("wide", "mine", 1),
        ("dup", "d7", 1024),
    ],
)
def test_a_run_that_is_asked_for(backend, project, run, total):
    with Reader(backend.url, backend.api_key, os.environ) as reader:
        backend.forget_requests()
        reading = read_one(reader, ("loopback", project, run), SERIES)
    assert (reading.status, reading.runs_total, reading.partial) == ("read", total, ())
    main = next(r for r in reading.runs if r.id == run)
    assert all(main.series[key].sketch for key in SERIES)
    assert main.metadata["host"] == "nid005001"
    assert len(backend.requests) <= MOST_REQUESTS


@pytest.mark.parametrize(("project", "total"), [("wide", 1), ("dup", 1024)])
def test_runs_of_a_job_that_ran_here(backend, project, total):
    where = Where(projects=(("loopback", project),), token=TOKEN, expect=SERIES)
    with Reader(backend.url, backend.api_key, os.environ) as reader:
        backend.forget_requests()
        reading = read(reader, where)
    assert (reading.status, reading.runs_total, reading.partial) == ("read", total, ())
    assert len(backend.requests) <= MOST_REQUESTS
