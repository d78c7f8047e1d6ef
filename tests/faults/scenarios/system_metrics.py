"""Scenarios about system metrics: turned off, or a run that is over before the first sample."""

from tests.faults.installations import helper_not_executable
from tests.faults.scenario import Scenario, init_job

NOTHING = ("test_host_metrics_are_captured",)


def sampling(settings: str) -> str:
    """A job whose settings are these alone."""
    return init_job().replace("x_stats_sampling_interval=0.5, ", settings)


SCENARIOS = (
    Scenario(name="run-too-short", expect="sys-run-too-short", job=sampling(""), sdk="0.28.2", failed=NOTHING),
    Scenario(name="run-too-short-0.19.5", expect="sys-run-too-short", job=sampling(""), sdk="0.19.5", failed=NOTHING),
    Scenario(
        name="run-too-short-for-the-interval-set",
        expect="sys-run-too-short",
        job=sampling(""),
        env={"WANDB_X_STATS_SAMPLING_INTERVAL": "60"},
        sdk="0.24.2",
        failed=NOTHING,
    ),
    Scenario(name="ok-samples-at-once", job=sampling("")),
    Scenario(
        name="stats-off-by-variable",
        expect="sys-disabled-by-setting",
        env={"WANDB_X_DISABLE_STATS": "true"},
        failed=NOTHING,
    ),
    Scenario(
        name="stats-off-by-variable-0.19.5",
        expect="sys-disabled-by-setting",
        env={"WANDB_X_DISABLE_STATS": "true"},
        sdk="0.19.5",
        failed=NOTHING,
    ),
    Scenario(
        name="stats-off-in-the-script",
        expect="sys-disabled-by-setting",
        job=sampling("x_disable_stats=True"),
        failed=NOTHING,
    ),
    Scenario(
        name="stats-off-in-the-script-0.28.2",
        expect="sys-disabled-by-setting",
        job=init_job(settings="x_disable_stats=True"),
        sdk="0.28.2",
        failed=NOTHING,
    ),
    Scenario(
        name="machine-info-off",
        expect="sys-disabled-by-setting",
        job=sampling("x_disable_machine_info=True"),
        failed=NOTHING,
    ),
    Scenario(
        name="stats-off-offline",
        expect="sys-disabled-by-setting",
        job=sampling("x_disable_stats=True"),
        options=("--offline",),
        failed=NOTHING,
    ),
    Scenario(
        name="temporary-folder-missing",
        expect="sys-monitor-failed",
        job=init_job(before='os.environ["TMPDIR"] = "/proc/nowhere"'),
        failed=NOTHING,
    ),
    Scenario(
        name="temporary-folder-of-a-long-path",
        expect="sys-monitor-failed",
        job=init_job(before='os.environ["TMPDIR"] = os.path.abspath("x" * 120); os.makedirs("x" * 120, exist_ok=True)'),
        failed=NOTHING,
    ),
    Scenario(name="helper-not-executable", expect="sys-xpu-binary-missing", hook=helper_not_executable, failed=NOTHING),
)
