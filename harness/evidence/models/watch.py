"""What could be seen of a job while it ran."""

from typing import Literal

from harness.evidence.models.base import Fact, Trouble

NEAR_S = 8.0
"""A look within so many seconds of the job's end has seen what there was to see.

Looks at a real server come every 5 s, and each takes a moment: the last one before the end may be that old.
"""


class Seen(Fact):
    """What a watch of a running job noted at a time: a state that was new, a verdict, a problem or its mending."""

    at: float
    event: Literal["begin", "state", "verified", "problem", "mended", "end"]
    state: str = ""
    steps: int = 0
    problem: str = ""
    """Id of the fault that stood."""
    words: str = ""
    verdict: str = ""


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

    @property
    def blind(self) -> bool:
        """Whether the end of the job was not watched: no look succeeded, or none was made near the end."""
        if self.last_poll_s is None:
            return self.failed_polls > 0
        return (self.job_ended_s or 0.0) - self.last_poll_s > NEAR_S
