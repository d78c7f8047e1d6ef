"""Run: `wandb.init()` starts successfully, and only rank 0 logs to W&B."""

import pytest

pytestmark = pytest.mark.needs("test_init_succeeded")


@pytest.mark.needs("test_job_started", "test_mode_is_online")
def test_init_succeeded(run_count):
    """`wandb.init()` made a run that W&B has."""
    assert run_count >= 1, "no run of this job is there"


def test_exactly_one_run(run_count, runs, rival_writers):
    """Exactly one run exists, however many ranks the job has, and they do not overwrite each other in it."""
    assert run_count == 1, f"{run_count} runs: " + ", ".join(str(r) for r in runs[:8])
    assert not rival_writers, f"{len(rival_writers)} processes wrote into the same run: {runs[0]}"


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
