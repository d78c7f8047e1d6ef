"""The rhythm of a run: how often it gave a sign of life so far, and how long to wait for the next one."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
"""The more the intervals spread, the further the next pause may go beyond the longest, while few pauses came."""
ENOUGH_PAUSES = 6
"""So many pauses tell by themselves how far the next one may go."""
NEAR = 5
"""So many neighbours tell whether a slow stretch is a pause, or the run has got slower."""
WARM_UP = 2
"""The first steps compile, allocate and fill caches: their pauses are no measure of the later ones."""
PAUSE = 2.5
"""An interval so many times as long as the usual one is a pause."""
SEEN = 1.0
"""A pause shows only where it lasts for such a part of the time in which signs are passed on."""
LONGEST = 12
"""So many of the longest pauses tell how they spread."""
SELDOM = 12.0
"""A pause may come that only one run in so many makes in the time in which it made those before."""
SUPPOSED = 0.25
"""How pauses spread (the mean logarithm by which one exceeds the next) where few of them were seen."""
SORTS = 4.0
"""Pauses that lie so many times further apart than others make two sorts."""
MOST_BEYOND = 5.0
"""A pause so many times as long as any before is never waited for, however they spread."""


@dataclass(frozen=True)
class Rhythm:
    """Seconds between two signs so far: in the middle, their spread (around it, or to the next), and at the most."""

    median_s: float
    spread_s: float
    longest_s: float
    count: int
    pauses: tuple[float, ...] = ()
    """The longest of all, the longest first."""
    passed_on_s: float = 0.0
    """Signs are passed on no more often than that."""

    @property
    def usual_s(self) -> float:
        """Seconds between two signs as they can be seen."""
        return max(self.median_s, self.passed_on_s)

    @property
    def interval_s(self) -> float:
        """A usual interval, with its spread."""
        return self.usual_s + self.spread_s

    @property
    def uneven(self) -> float:
        """The spread as a share of the interval."""
        return self.spread_s / self.median_s if self.median_s else 0.0

    def at_least(self, interval_s: float) -> "Rhythm":
        """The same rhythm where signs are passed on no more often than that."""
        return replace(self, passed_on_s=max(self.passed_on_s, interval_s))

    def with_pause(self, seconds: float) -> "Rhythm":
        """The same rhythm of a run that once gave no sign for so long, and then went on."""
        return replace(self, longest_s=max(self.longest_s, seconds))

    @property
    def patience_s(self) -> float:
        """Seconds without a sign from which on it is missing."""
        seen = [pause for pause in self.pauses if pause > SEEN * self.usual_s]
        uneven = UNEVEN * self.uneven if len(seen) < ENOUGH_PAUSES else 0.0
        beyond = min(MOST_BEYOND, max(PAUSES + uneven, math.pow(SELDOM, spread_of(seen))))
        return max(INTERVALS * self.interval_s, beyond * max(self.longest_s, self.passed_on_s)) + SLACK_S


def rhythm(gaps: Sequence[float], pauses: Iterable[float] = ()) -> Rhythm | None:
    """Return the rhythm of intervals in seconds, oldest first; None where there is none.

    Args:
        gaps: the intervals, or the newest of them.
        pauses: the longest ones before those.
    """
    if not gaps:
        return None
    settled = gaps[WARM_UP:] if len(gaps) > 2 * WARM_UP else gaps
    middle = median(settled)
    apart = [abs(b - a) for a, b in pairwise(settled)]  # small where the run got slower and is even
    spread = min(median(abs(gap - middle) for gap in settled), median(apart) if apart else 0.0)
    long = sorted((gap for gap in (*pauses, *settled) if gap > PAUSE * (middle + spread)), reverse=True)
    return Rhythm(middle, spread, max(*settled, *long, 0.0), len(gaps), tuple(long[:LONGEST]))


def spread_of(longest: Sequence[float]) -> float:
    """Say how far the longest pauses lie apart, the longest first: 0 where all are alike.

    It is Hill's estimate, with the more weight on the longest: pauses that have an end stand close together there.
    Where two sorts of pauses come, such as checkpoints and validations, the step between them is far wider than chance
    makes it, and is left out.
    """
    if not longest:
        return 0.0
    steps = sorted((n * math.log(a / b), 1 / n) for n, (a, b) in enumerate(pairwise(longest), 1))
    if steps and _sorts([step for step, _ in steps]):
        steps.pop()
    return (sum(step * weight for step, weight in steps) + SUPPOSED) / (sum(weight for _, weight in steps) + 1.0)


def _sorts(steps: Sequence[float]) -> bool:
    """Whether the widest step, the last one, is far wider than it is by chance among others of their size."""
    widest = sum(1 / n for n in range(1, len(steps) + 1))
    rest = sum(steps[:-1]) / (len(steps) - widest) if len(steps) > 1 else 0.0
    return steps[-1] > SORTS * widest * rest


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
