"""What rules and checks ask of the evidence: which run carries the training, which part of it could not be read."""

import pytest

from harness.evidence.models import Job, Request, RunLink, Trouble, Viewer
from harness.judging.view import (
    foreign_links,
    job_ran,
    main_local_run,
    main_server_run,
    reached_server,
    seconds_since_end,
    silent,
    unread,
)
from tests.judging import build as b

ON_SERVER = {
    "the one with most rows": ([b.server_run(id="a", rows=3), b.server_run(id="b", rows=9)], "b"),
    "of equal ones the earliest": (
        [b.server_run(id="a", created_at=1020.0), b.server_run(id="b", created_at=1010.0)], "b",
    ),
    "whose rows nobody counted has none": ([b.server_run(id="a", rows=None), b.server_run(id="b", rows=1)], "b"),
    "the one that was read, however long a listed one is": (
        [b.server_run(id="a", rows=9, detailed=False), b.server_run(id="b", rows=3)], "b",
    ),
    "of listed ones too": (
        [b.server_run(id="a", rows=3, detailed=False), b.server_run(id="b", rows=9, detailed=False)], "b",
    ),
    "the one that was asked for, however long another is": (
        [b.server_run(id="a", rows=9), b.server_run(id="b", rows=0, found_by="asked")], "b",
    ),
    "none": ([], None),
}  # fmt: skip


@pytest.mark.parametrize(("runs", "main"), ON_SERVER.values(), ids=ON_SERVER)
def test_the_run_that_carries_the_training(runs, main):
    found = main_server_run(b.evidence(server=b.server(*runs)))
    assert (found.id if found else None) == main


@pytest.mark.parametrize(
    ("runs", "main"),
    [
        ([("a", 3, 1000.0), ("b", 9, 1010.0)], "b"),
        ([("a", 3, 1010.0), ("b", 3, 1000.0)], "b"),
        ([], None),
    ],
    ids=["the one with most rows", "of equal ones the earliest", "none"],
)
def test_the_directory_that_carries_the_training(runs, main):
    made = [b.local_run(run_id=name, started_at=at, log=b.log(history_rows=rows)) for name, rows, at in runs]
    found = main_local_run(b.evidence(local=b.local(*made)))
    assert (found.run_id if found else None) == main


def test_a_part_that_could_not_be_read_is_named_to_who_needs_it():
    trouble = Trouble(kind="timeout", text="no answer", where="system")
    found = b.evidence(server=b.server(b.server_run(), partial=(trouble,)))
    assert unread(found, "internal", "system") == trouble
    assert unread(found, "internal", "files") is None


@pytest.mark.parametrize(
    ("ended_at", "heartbeat_at", "read_at", "since"),
    [
        (1000.0, 900.0, 1010.0, 10.0),
        (None, 900.0, 1010.0, 110.0),
        (None, None, 1010.0, None),
        (1000.0, 900.0, 0.0, None),
        (1000.0, 900.0, 990.0, 0.0),
        (1000.0, 900.0, 800.0, None),
    ],
    ids=["the job's end", "the last sign of life", "no end", "no time of reading", "a skew", "clocks that disagree"],
)
def test_seconds_since_the_end(ended_at, heartbeat_at, read_at, since):
    found = b.evidence(job=b.job(ended_at=ended_at), created_at=read_at)
    assert seconds_since_end(found, b.server_run(heartbeat_at=heartbeat_at)) == since


def test_without_a_job_its_end_is_the_last_sign_of_life():
    assert seconds_since_end(b.evidence(job=None, created_at=1010.0), b.server_run(heartbeat_at=1000.0)) == 10.0


def test_a_run_on_the_server_shows_that_it_was_reached():
    assert reached_server(b.evidence()) is True
    assert reached_server(b.no_run()) is False


@pytest.mark.parametrize("ending", ["running", "completed", "failed", "timeout", "node_fail", "unknown"])
def test_a_job_that_started_ran(ending):
    assert job_ran(b.evidence(job=Job(ending=ending)))


@pytest.mark.parametrize("job", [None, *(Job(ending=e) for e in ("not_submitted", "refused", "pending"))])
def test_a_job_that_did_not_start_did_not_run(job):
    assert not job_ran(b.evidence(job=job))


@pytest.mark.parametrize(
    ("change", "is_silent"),
    [
        ({"job": b.job("Epoch 1")}, True),
        ({"job": b.job("wandb: ERROR Error while calling W&B API")}, False),
        ({"job": b.job("Epoch 1", ending="failed")}, False),
        ({"job": None}, False),
        ({"job": b.job("Epoch 1"), "local": b.local(b.local_run())}, False),
        ({"job": b.job("Epoch 1"), "server": b.server(b.server_run())}, False),
    ],
    ids=["no word", "a word", "it failed", "no job", "a directory", "a run on the server"],
)
def test_a_job_without_a_word_of_wandb_is_silent(change, is_silent):
    assert silent(b.no_run(**change)) is is_silent


MINE = RunLink(url="https://wandb.ai/team/vit/runs/a", entity="team", project="vit", run_id="a", line=1)
THEIRS = RunLink(url="https://wandb.ai/other/vit/runs/b", entity="other", project="vit", run_id="b", line=2)


@pytest.mark.parametrize(
    ("change", "foreign"),
    [
        ({}, (THEIRS,)),
        ({"job": None}, ()),
        ({"request": Request(source="job_log")}, ()),
        ({"setup": None}, ()),
        ({"setup": b.setup(network=b.network(viewer=None))}, ()),
        ({"setup": b.setup(network=b.network(viewer=Viewer(username="me", entity="team", teams=("other",))))}, ()),
    ],
    ids=["not of my teams", "no job", "another's log", "no setup", "nobody knows who I am", "my other team"],
)
def test_runs_in_an_entity_that_is_not_the_users(change, foreign):
    job = b.job(output=b.output("x", links=(MINE, THEIRS)))
    assert foreign_links(b.evidence(**{"job": job, **change})) == foreign
