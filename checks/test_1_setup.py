"""Setup: can a job log to W&B at all? The guide: verify `WANDB_API_KEY`; check whether W&B is in offline mode."""


def test_api_key_is_configured(setup):
    """W&B finds a well-formed API key: WANDB_API_KEY, or a netrc entry for the server."""
    assert setup.has_an_api_key


def test_server_is_reachable(setup):
    """The W&B server answers from where the job would run."""
    assert setup.reaches_the_server


def test_api_key_is_accepted(setup):
    """The server accepts the API key."""
    assert setup.key_is_accepted


def test_project_is_writable(setup):
    """The key may write to the project that runs go to."""
    assert setup.project_is_writable


def test_mode_is_online(setup):
    """W&B is online: neither environment, settings file nor script says offline or disabled."""
    assert setup.is_online
