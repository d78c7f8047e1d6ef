"""The server is read with what is here, and as the job where what is here does not fit."""

from types import SimpleNamespace

import pytest

from harness.evidence.models import Network, Setup, Viewer
from harness.evidence.setup.job_settings import read_job_settings
from harness.verification.server_access import JobReader
from tests.in_ci import real_part

HERE, THERE = "http://127.0.0.1:1", "http://127.0.0.1:2"
OLD, NEW = "0" * 40, "1" * 40


@pytest.fixture
def way(tmp_path):
    """Says with which server and key is read, given what is here and what the job's SDK was started with."""

    def ask(here, job, *, known, netrc=""):
        (tmp_path / ".netrc").write_text(netrc)
        setup = Setup(network=Network(viewer=Viewer(username="me") if known else None))
        settings = SimpleNamespace(run_server=None)
        known_here = read_job_settings({"HOME": str(tmp_path), "WANDB_BASE_URL": HERE, **here}, tmp_path)
        target = SimpleNamespace(sdk_environment=lambda: job)
        with JobReader(settings, known_here, setup, target) as asking:
            reader = asking.get()
            assert asking.get() is reader
            return reader._env["WANDB_BASE_URL"], reader._env["WANDB_API_KEY"]

    return ask


def test_a_key_that_the_server_knows_stays(way):
    assert way({"WANDB_API_KEY": OLD}, {"WANDB_API_KEY": NEW}, known=True) == (HERE, OLD)


@real_part
def test_a_key_that_the_job_brings_is_taken_where_there_is_none(way):
    assert way({}, {"WANDB_API_KEY": NEW}, known=False) == (HERE, NEW)


@real_part
def test_a_login_leaves_its_key_in_netrc(way):
    netrc = f"machine 127.0.0.1:1 login user password {NEW}\n"
    job = {"WANDB_API_KEY": OLD}
    assert way({"WANDB_API_KEY": OLD}, job, known=False, netrc=netrc) == (HERE, NEW)


@real_part
def test_another_server_is_followed(way):
    job = {"WANDB_BASE_URL": THERE, "WANDB_API_KEY": OLD}
    assert way({"WANDB_API_KEY": OLD}, job, known=True) == (THERE, OLD)


def test_nothing_seen_changes_nothing(way):
    assert way({"WANDB_API_KEY": OLD}, {}, known=False) == (HERE, OLD)
