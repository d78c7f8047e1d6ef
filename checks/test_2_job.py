"""Job: did it run to its end, with every rank?"""

import pytest


@pytest.mark.needs(
    "test_api_key_is_configured",
    "test_server_is_reachable",
    "test_api_key_is_accepted",
    "test_project_is_writable",
    "test_mode_is_online",
)
def test_job_was_submitted(job):
    """The job was accepted where it should run."""
    assert not job.refusal, job.refusal


@pytest.mark.needs("test_job_was_submitted")
def test_job_started(job):
    """The job left the queue and started."""
    assert not job.waiting, job.waiting


@pytest.mark.needs("test_job_started")
def test_job_completed(job):
    """The job ended by itself with exit code 0."""
    assert not job.bad_end, job.bad_end


@pytest.mark.needs("test_job_started")
def test_every_rank_joined(job):
    """Every rank joined the process group, and all agree how many there are."""
    joined = sorted({r.rank for r in job.ranks})
    assert joined == list(range(job.world_size)), f"ranks {joined} of {job.world_size} joined"
