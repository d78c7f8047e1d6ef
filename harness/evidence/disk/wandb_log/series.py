"""Sums up one metric sample by sample or in bulk, in constant space."""

from __future__ import annotations

import math
from itertools import islice
from operator import eq, gt, lt

from harness.evidence.disk.wandb_log.values import to_number
from harness.evidence.models.wandb_log import Number, SeriesSummary

SKETCH_POINTS = 200


class Sketch:
    """Every n-th sample, n doubling whenever the points grow past the limit: the same for the same samples."""

    def __init__(self, limit: int = SKETCH_POINTS) -> None:
        self._limit = limit - 1  # one is left for the last sample
        self._stride = 1
        self._seen = 0
        self._points: list[tuple[float, float]] = []
        self._last: tuple[float, float] | None = None

    def add(self, positions: list[int] | list[float], values: list[float]) -> None:
        """Take samples, at least one: their positions (step or time) and values."""
        first = -self._seen % self._stride
        self._seen += len(values)
        self._points.extend(zip(positions[first :: self._stride], values[first :: self._stride], strict=True))
        while len(self._points) > self._limit:
            self._points = self._points[::2]
            self._stride *= 2
        self._last = positions[-1], values[-1]

    def points(self) -> tuple[tuple[float, Number], ...]:
        """Return the points, the last sample included."""
        points = list(self._points)
        if self._last is not None and (self._seen - 1) % self._stride:
            points.append(self._last)
        return tuple((position, to_number(value)) for position, value in points)


class Steps:
    """The steps of consecutive samples, and how often they fail to grow."""

    def __init__(self, values: list[int]) -> None:
        self.values = values
        self.repeated = self.backward = 0
        if not all(map(lt, values, islice(values, 1, None))):
            self.repeated = sum(map(eq, values, islice(values, 1, None)))
            self.backward = sum(map(gt, values, islice(values, 1, None)))


class StepOrder:
    """The order of steps over a whole log or series."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.last: int | None = None
        self.repeated = 0
        self.backward = 0

    def add(self, steps: Steps) -> None:
        """Take the next steps, at least one."""
        head = steps.values[0]
        if self.last is None:
            self.first = head
        else:
            self.repeated += head == self.last
            self.backward += head < self.last
        self.last = steps.values[-1]
        self.repeated += steps.repeated
        self.backward += steps.backward


class Extent:
    """Count, first, last and extremes of numbers."""

    def __init__(self) -> None:
        self.count = 0
        self.first: float | None = None
        self.last: float | None = None
        self.low: float | None = None
        self.high: float | None = None

    def add(self, values: list[float]) -> bool:
        """Take numbers, at least one; return whether all are finite."""
        if not self.count:
            self.first = values[0]
        self.last = values[-1]
        self.count += len(values)
        finite = values
        # A sum is finite only if every term is; it may overflow without that, which costs a second look.
        if not math.isfinite(sum(values)):
            finite = [value for value in values if math.isfinite(value)]
            if not finite:
                return False
        low, high = min(finite), max(finite)
        self.low = low if self.low is None else min(low, self.low)
        self.high = high if self.high is None else max(high, self.high)
        return len(finite) == len(values)


class Series:
    """One metric of the history."""

    def __init__(self, key: str, sketch_points: int = SKETCH_POINTS) -> None:
        self.key = key
        self.other: dict[str, int] = {}
        self.last_text = ""
        self.order = StepOrder()
        self.count = 0
        self._non_finite = 0
        self._first_non_finite_step: int | None = None
        self._extent = Extent()
        self._sketch = Sketch(sketch_points)

    def add(self, steps: Steps, numbers: list[float], number_steps: list[int] | None = None) -> None:
        """Take samples, at least one.

        Args:
            steps: of all samples, numbers or not.
            numbers: the numbers among them.
            number_steps: the step of each number, where that is not `steps`.
        """
        self.count += len(steps.values)
        self.order.add(steps)
        if numbers:
            self._add_numbers(steps.values if number_steps is None else number_steps, numbers)

    def add_odd(self, odd: list[tuple[int, str, str]]) -> None:
        """Note what the samples are that are no numbers: (row, kind, text)."""
        for _, kind, text in odd:
            self.other[kind] = self.other.get(kind, 0) + 1
            self.last_text = text or self.last_text

    def _add_numbers(self, steps: list[int], values: list[float]) -> None:
        if not self._extent.add(values):
            bad = [step for step, value in zip(steps, values, strict=True) if not math.isfinite(value)]
            self._non_finite += len(bad)
            if self._first_non_finite_step is None:
                self._first_non_finite_step = bad[0]
        self._sketch.add(steps, values)

    def summary(self) -> SeriesSummary:
        """Return what is known so far."""
        extent = self._extent
        finite = extent.count - self._non_finite
        types = {"number": finite, "non_finite": self._non_finite, **self.other}
        return SeriesSummary(
            key=self.key,
            count=self.count,
            count_number=finite,
            count_non_finite=self._non_finite,
            count_other=self.count - extent.count,
            types={kind: count for kind, count in types.items() if count},
            first=None if extent.first is None else to_number(extent.first),
            last=None if extent.last is None else to_number(extent.last),
            min=bound(extent.low),
            max=bound(extent.high),
            constant=finite == self.count and extent.low == extent.high,
            first_step=self.order.first,
            last_step=self.order.last,
            repeated_steps=self.order.repeated,
            backward_steps=self.order.backward,
            first_non_finite_step=self._first_non_finite_step,
            sketch=tuple((int(step), value) for step, value in self._sketch.points()),
        )


def bound(value: float | None) -> int | float | None:
    """Put a finite number into the form that the models keep."""
    number = None if value is None else to_number(value)
    return None if isinstance(number, str) else number
