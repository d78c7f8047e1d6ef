"""Job: did it run to its end, with every rank?"""


def test_job_was_submitted(job):
    """The job was accepted where it should run."""
    assert job.was_submitted


def test_job_started(job):
    """The job left the queue and started."""
    assert job.started


def test_job_completed(job):
    """The job ended by itself with exit code 0."""
    assert job.completed


def test_every_rank_joined(job):
    """Every rank joined the process group, and all agree how many there are."""
    assert job.has_every_rank
