"""Scales, ticks and thinning: the arithmetic of the pictures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[float, float]]
HUGE, TINY = 1e150, 1e-150
"""Beyond these, differences of floats overflow or vanish."""


@dataclass(frozen=True)
class Scale:
    """A stretch of values, mapped to 0..1; `low` is always less than `high`."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies, kept within 0..1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def holds(self, value: float) -> bool:
        """Whether a value lies within."""
        return self.low <= value <= self.high


def scale_of(values: Iterable[float], *, low: float | None = None, high: float | None = None) -> Scale:
    """Return the stretch that holds all finite values; `low` and `high` widen it, never narrow it."""
    found = [_held(v) for v in values if math.isfinite(v)]
    found += [v for v in (low, high) if v is not None]
    if not found:
        return Scale(0.0, 1.0)
    least, most = min(found), max(found)
    if most - least > 1e-9 * max(abs(least), abs(most), TINY):
        return Scale(least, most)
    room = abs(most) * 0.05 if abs(most) > TINY else 1.0
    return Scale(least - (0.0 if low == least else room), most + room)


def rounded(scale: Scale) -> Scale:
    """Widen a scale to round numbers."""
    step = _step(scale, 4)
    low, high = math.floor(scale.low / step + 1e-9) * step, math.ceil(scale.high / step - 1e-9) * step
    return Scale(low, high) if low < high else scale


def ticks(scale: Scale, about: int = 5, least: float = 0.0) -> list[float]:
    """Return round values within a scale, about so many, not closer to each other than `least`."""
    step = max(_step(scale, about), least)
    first = math.ceil(scale.low / step - 1e-9)
    last = math.floor(scale.high / step + 1e-9)
    return [n * step for n in range(first, min(last, first + 3 * about) + 1)]


def _step(scale: Scale, about: int) -> float:
    rough = (scale.high - scale.low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    return next((m * power for m in (1, 2, 5) if m * power >= rough * 0.999), 10 * power)


def finite(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep the points that can be drawn, values beyond all measure brought down to it."""
    return [(_held(x), _held(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _held(value: float) -> float:
    return max(-HUGE, min(HUGE, value))


def thin(points: Points, most: int) -> Points:
    """Return at most about `most` points that keep first, last, and each stretch's least and greatest value."""
    if len(points) <= most:
        return points
    stretches = max(1, (most - 2) // 2)
    inner = points[1:-1]
    kept = [points[0]]
    for n in range(stretches):
        part = inner[n * len(inner) // stretches : (n + 1) * len(inner) // stretches]
        if part:
            least, greatest = min(part, key=_value), max(part, key=_value)
            kept += [least] if least is greatest else sorted((least, greatest))
    kept.append(points[-1])
    return kept


def _value(point: tuple[float, float]) -> float:
    return point[1]
