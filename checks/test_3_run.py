"""Run: `wandb.init()` starts successfully, and only rank 0 logs to W&B."""


def test_init_succeeded(run):
    """`wandb.init()` made a run that W&B has."""
    assert run.exists


def test_exactly_one_run(run):
    """Exactly one run exists, however many ranks the job has, unless it groups its runs on purpose."""
    assert run.is_the_only_one


def test_run_finished(run):
    """The run ended as finished: neither crashed, failed, killed nor still running."""
    assert run.finished


def test_config_is_tracked(run):
    """The configuration is there, with what the job was started with."""
    assert run.has_its_config


def test_run_is_where_it_was_meant_to_be(run):
    """The run is in the entity and project that were asked for."""
    assert run.is_where_it_was_meant_to_be


def test_environment_is_recorded(run):
    """W&B knows the environment: host and Python version."""
    assert run.knows_its_environment


def test_console_output_is_captured(run):
    """The job's output is in the run's Logs tab."""
    assert run.has_console_output
