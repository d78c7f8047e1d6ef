"""The rhythm of a run: how often it gave a sign of life so far, and how long to wait for the next one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

SLACK_S = 25.0
"""Seconds that anything may take on its way: an upload, a clock that is off, a busy server."""
INTERVALS = 3.0
"""So many of its own intervals may pass without a sign."""
PAUSES = 1.5
"""A pause that the run made before may come again, and last so much longer."""
ENOUGH_ROWS = 20
"""After so many rows a series that is logged at all has come, unless it comes once an epoch."""
UNEVEN = 3.0
"""The more the intervals spread, the further the next pause may go beyond the longest so far."""
NEAR = 5
"""So many neighbours tell whether a slow stretch is a pause, or the run has got slower."""
WARM_UP = 2
"""The first steps compile, allocate and fill caches: their pauses are no measure of the later ones."""


@dataclass(frozen=True)
class Rhythm:
    """Seconds between two signs so far: in the middle, their spread (median absolute deviation), and at the most."""

    median_s: float
    spread_s: float
    longest_s: float
    count: int

    @property
    def interval_s(self) -> float:
        """A usual interval, with its spread."""
        return self.median_s + self.spread_s

    def at_least(self, interval_s: float) -> "Rhythm":
        """The same rhythm where signs are passed on no more often than that."""
        return Rhythm(max(self.median_s, interval_s), self.spread_s, max(self.longest_s, interval_s), self.count)

    def with_pause(self, seconds: float) -> "Rhythm":
        """The same rhythm of a run that once gave no sign for so long, and then went on."""
        return Rhythm(self.median_s, self.spread_s, max(self.longest_s, seconds), self.count)

    @property
    def patience_s(self) -> float:
        """Seconds without a sign from which on it is missing."""
        beyond = PAUSES + (UNEVEN * self.spread_s / self.median_s if self.median_s else 0.0)
        return max(INTERVALS * self.interval_s, beyond * self.longest_s) + SLACK_S


def rhythm(gaps: Sequence[float]) -> Rhythm | None:
    """Return the rhythm of intervals in seconds, oldest first; None where there is none."""
    if not gaps:
        return None
    settled = gaps[WARM_UP:] if len(gaps) > 2 * WARM_UP else gaps
    middle = median(settled)
    return Rhythm(middle, median(abs(gap - middle) for gap in settled), max(settled), len(gaps))


def gaps_of(times: Iterable[float]) -> tuple[float, ...]:
    """Return the seconds between neighbouring times."""
    return tuple(after - before for before, after in pairwise(sorted(times)))


def gaps_by_step(steps: Sequence[float], times: Sequence[float]) -> tuple[float, ...]:
    """Return the seconds that a step took between neighbouring points of a sample; a long pause stays one.

    Of points that lie many steps apart only the mean is known. Where that is far above the usual one around it, there
    was a pause in between, and the whole of what is above it counts as one interval.
    """
    pairs = [(s, t) for s, t in zip(steps, times, strict=False)]
    spans = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(pairs) if b[0] > a[0] and b[1] >= a[1]]
    if not spans:
        return ()
    means = [seconds / count for count, seconds in spans]
    usual = median(means)
    return tuple(
        _whole(count, seconds, _near(means, n)) if mean > 2 * usual else mean
        for n, (mean, (count, seconds)) in enumerate(zip(means, spans, strict=True))
    )


def _near(means: Sequence[float], n: int) -> float:
    first = max(0, min(n - NEAR // 2, len(means) - NEAR))
    return median(means[first : first + NEAR])


def _whole(count: float, seconds: float, usual: float) -> float:
    return seconds - (count - 1) * usual if seconds > 2 * usual * count else seconds / count
