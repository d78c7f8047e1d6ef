"""What could be seen on the server while the job ran."""

from harness.evidence.models.base import Fact, Trouble


class Watch(Fact):
    """Times of first sight, in seconds since the job started; None: never seen while it ran."""

    polls: int = 0
    failed_polls: int = 0
    run_visible_s: float | None = None
    first_point_s: float | None = None
    first_system_metric_s: float | None = None
    last_poll_s: float | None = None
    """When the last successful poll was made while the job still ran."""
    job_ended_s: float | None = None
    troubles: tuple[Trouble, ...] = ()
