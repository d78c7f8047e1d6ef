"""When to ask Slurm: rarely while a job waits, at once when the job's own files say that something happened."""

from __future__ import annotations

FIRST_S = 2.0
PENDING_S = 10.0
PENDING_MOST_S = 30.0
MARKED_S = 15.0
"""Between two looks at a running job that tells of its end by a file."""
UNMARKED_S = 4.0
UNMARKED_LATER_S = 15.0
LATER_S = 900.0
"""After so many seconds a running job is asked about less often."""
HINTED_S = 1.0
MOST_HINTED = 30
BACKING_OFF = 1.25


class Cadence:
    """Decides when the next look is due; times are seconds of a monotonic clock."""

    def __init__(self, now: float, *, marked: bool) -> None:
        self._marked = marked
        self._last = now - PENDING_S + FIRST_S
        self._pending_s = PENDING_S
        self._running_since: float | None = None
        self._hints = 0

    def due(self, now: float, *, hint: bool) -> bool:
        """Whether to ask now; a hint from the job's files makes the next looks come soon."""
        passed = now - self._last
        if hint and self._hints < MOST_HINTED and passed >= HINTED_S:
            self._hints += 1
            return True
        return passed >= self._interval(now)

    def looked(self, now: float, *, running: bool) -> None:
        """Note a look and what it showed."""
        self._last = now
        if not running:
            self._running_since = None
            self._pending_s = min(self._pending_s * BACKING_OFF, PENDING_MOST_S)
        elif self._running_since is None:
            self._running_since, self._hints, self._pending_s = now, 0, PENDING_S

    def _interval(self, now: float) -> float:
        if self._running_since is None:
            return self._pending_s
        if self._marked:
            return MARKED_S
        return UNMARKED_S if now - self._running_since < LATER_S else UNMARKED_LATER_S
