"""Run: `wandb.init()` starts successfully, and only rank 0 logs to W&B."""

import pytest

pytestmark = pytest.mark.needs("test_init_succeeded")


@pytest.mark.needs("test_job_started", "test_mode_is_online")
def test_init_succeeded(run_count):
    """`wandb.init()` made a run that W&B has."""
    assert run_count >= 1, "no run of this job is there"


def test_exactly_one_run(surplus):
    """Exactly one run exists, however many ranks the job has, unless it groups its runs on purpose."""
    assert not surplus, surplus


def test_run_finished(run):
    """The run ended as finished: neither crashed, failed, killed nor still running."""
    assert run.state == "finished", f"the run is {run.state}: {run}"


def test_config_is_tracked(run, job_config):
    """The configuration is there, with what the job was started with."""
    missing = [key for key in job_config if key not in run.config]
    assert not missing, f"the run's config lacks {', '.join(missing)}; it has {', '.join(run.config) or 'nothing'}"


def test_run_is_where_it_was_meant_to_be(run, intended):
    """The run is in the entity and project that were asked for."""
    assert (run.entity, run.project) == intended, f"meant for {'/'.join(intended)}, found in {run.entity}/{run.project}"


def test_environment_is_recorded(environment):
    """W&B knows the environment: host and Python version."""
    missing = [fact for fact, value in environment.items() if not value]
    assert not missing, f"the run does not say its {' and '.join(missing)}"


def test_console_output_is_captured(console_lines):
    """The job's output is in the run's Logs tab."""
    assert console_lines > 0, "the run has no console output"
