"""When the SDK takes its first sample of system metrics, and whether the run lived to see it."""

from dataclasses import dataclass

from harness.evidence.models import Evidence, JsonValue, ServerRun
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.duplicates import setting
from harness.judging.metric_series import main_run, number
from harness.judging.view import main_local_run

_DEFAULTS = (((0, 19, 8), 15.0), ((0, 17, 9), 10.0))
_OLDEST_S = 30.0
"""Seconds to the first sample, from a version on (core/internal/monitor/monitor.go); once 15 samples of 2 s each."""
AT_ONCE = (0, 29, 0)
"""From here on the first sample is taken at the start: wandb/wandb#12649; seen in 0.30.0 and 0.31.0."""
NAMES = ("x_stats_sampling_interval", "_stats_sampling_interval", "x_stats_sample_rate_seconds")
UPLOAD_INTERVAL_S = 15.0
"""The SDK sends rows and system metrics in batches; a shorter job may end before the first one."""
VARIABLES = ("WANDB_X_STATS_SAMPLING_INTERVAL", "WANDB__STATS_SAMPLING_INTERVAL")


@dataclass(frozen=True)
class Sampling:
    """How the job's SDK samples; seconds."""

    interval_s: float
    first_s: float
    """When the first sample is due, after `wandb.init()`."""
    lasted_s: float | None
    """How long the run went on, where that is known."""
    from_setting: bool

    @property
    def ended_before_first(self) -> bool:
        """Whether the run ended before its first sample was due."""
        return self.lasted_s is not None and self.lasted_s < self.first_s


def sampling(evidence: Evidence) -> Sampling:
    """Return the interval from settings or variables that are known, else the SDK version's default."""
    version = version_key(job_sdk_version(evidence) or "99")
    default = next((seconds for since, seconds in _DEFAULTS if version >= since), _OLDEST_S)
    chosen = _chosen(evidence)
    interval = chosen if chosen is not None else default
    first = 0.0 if version >= AT_ONCE else interval
    return Sampling(interval_s=interval, first_s=first, lasted_s=lasted(evidence), from_setting=chosen is not None)


def _chosen(evidence: Evidence) -> float | None:
    disk = main_local_run(evidence)
    variables = evidence.setup.place.variables if evidence.setup else {}
    told = [setting(disk, name) for name in NAMES] if disk else []
    known = (_seconds(value) for value in (*told, *(variables.get(name) for name in VARIABLES)))
    return next((seconds for seconds in known if seconds is not None), None)


def _seconds(value: JsonValue) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def lasted(evidence: Evidence) -> float | None:
    """Return how many seconds the main run went on, from `wandb.init()` to its end or its last sign of life."""
    run, disk = main_run(evidence), main_local_run(evidence)
    if disk is not None and disk.log.runtime_s is not None:
        return float(disk.log.runtime_s)
    if not isinstance(run, ServerRun):
        return None
    # The summary's runtime is that of the last row, however long the run went on without one.
    logged = number(run.summary.get("_runtime"))
    alive = run.heartbeat_at - run.created_at if run.heartbeat_at is not None and run.created_at is not None else None
    return max((seconds for seconds in (logged, alive) if seconds is not None), default=None)


def over_before_an_upload(evidence: Evidence) -> str | None:
    """Say how short a job of the user's own, or the run in it, was, where nothing of it had to be visible meanwhile."""
    if evidence.request.job_kind == "builtin":
        return None
    job_s, run_s = (evidence.watch.job_ended_s if evidence.watch else None) or 0.0, lasted(evidence)
    if job_s < 3 * UPLOAD_INTERVAL_S:
        return f"the {job_s:.0f} s that the job took"
    if run_s is not None and run_s < 2 * UPLOAD_INTERVAL_S:
        return f"the {run_s:.0f} s that the run took"
    return None
