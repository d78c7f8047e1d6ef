"""Rehearsal: does the training survive an outage of the server, and a requeue of the job? Only with `--rehearse`."""


def test_training_survives_an_outage(rehearsal):
    """The training comes to its end although the server is gone for a while."""
    assert rehearsal.survives_an_outage


def test_an_outage_loses_nothing(rehearsal):
    """When the server is back, it has every point: by itself, or after `wandb sync`."""
    assert rehearsal.loses_nothing_in_an_outage


def test_a_restart_continues_the_run(rehearsal):
    """A job that Slurm ends and starts again continues the run that it had begun."""
    assert rehearsal.continues_the_run


def test_a_restart_loses_nothing(rehearsal):
    """After a restart the training goes on where it was: no row is lost, none is there twice."""
    assert rehearsal.loses_nothing_in_a_restart
