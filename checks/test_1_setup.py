"""Setup: can a job log to W&B at all? The guide: verify `WANDB_API_KEY`; check whether W&B is in offline mode."""

import pytest


def test_api_key_is_configured(preflight):
    """W&B finds a well-formed API key: WANDB_API_KEY, or a netrc entry for the server."""
    assert not preflight.key_problem, preflight.key_problem


def test_server_is_reachable(preflight):
    """The W&B server answers from where the job would run."""
    assert not preflight.reach_problem, preflight.reach_problem


@pytest.mark.needs("test_api_key_is_configured", "test_server_is_reachable")
def test_api_key_is_accepted(preflight):
    """The server accepts the API key."""
    assert not preflight.key_refusal, preflight.key_refusal


@pytest.mark.needs("test_api_key_is_accepted")
def test_project_is_writable(preflight):
    """The key may write to the project that runs go to."""
    assert not preflight.access_problem, preflight.access_problem


def test_mode_is_online(preflight):
    """W&B is online: neither environment, settings file nor script says offline or disabled."""
    assert not preflight.mode_problem, preflight.mode_problem
