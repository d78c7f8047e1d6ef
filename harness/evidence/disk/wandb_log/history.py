"""Sums up the history records of a log: rows, steps, times, and one series per metric."""

from __future__ import annotations

import math
from collections import deque
from operator import sub

from harness.evidence.disk.wandb_log.columns import Column, Columns
from harness.evidence.disk.wandb_log.series import SKETCH_POINTS, Series, StepOrder, Steps
from harness.evidence.models.wandb_log import SeriesSummary

# Beyond so many series the later ones keep a coarser sketch, which bounds memory and the evidence file.
_FINE_SERIES = 200
_COARSE_POINTS = 20
_MAX_DROPPED_KEYS = 100_000
_TIMES = 100
_WARM_UP = 3


class History:
    """What the rows of `run.log()` hold."""

    def __init__(self, max_keys: int) -> None:
        self.rows = 0
        self.order = StepOrder()
        self.first_time: float | None = None
        self.last_time: float | None = None
        self.times: deque[float] = deque(maxlen=_TIMES)
        """Of the last rows."""
        self.longest_pause: float | None = None
        self._max_keys = max_keys
        self._series: dict[str, Series] = {}
        self._dropped: set[int] = set()

    @property
    def dropped_keys(self) -> int:
        """How many metrics did not fit `max_keys`; counted up to 100,000."""
        return len(self._dropped)

    def add(self, columns: Columns) -> None:
        """Take the next rows."""
        if not columns.steps:
            return
        values = columns.steps.tolist()
        steps = Steps(values)
        self.rows += len(values)
        self.order.add(steps)
        times = columns.times
        if self.first_time is None:
            self.first_time = _known(times[0])
        self._pause(times.tolist())
        self.last_time = _known(times[-1]) or self.last_time
        for key, column in columns.cells.items():
            series = self._series_for(key)
            if series is not None:
                _add_column(series, column, steps)

    def _pause(self, times: list[float]) -> None:
        """Note the longest time between two rows; the first ones take longer, which tells nothing of the later ones."""
        if any(map(math.isnan, times)):
            times = [time for time in times if not math.isnan(time)]
        skipped = max(0, _WARM_UP - (self.rows - len(times)))
        before = list(self.times)[-1:] if not skipped else []
        row = [*before, *times[skipped:]]
        longest = max(map(sub, row[1:], row), default=None)
        self.longest_pause = max((p for p in (longest, self.longest_pause) if p is not None), default=None)
        self.times.extend(times)

    def _series_for(self, key: str) -> Series | None:
        """Return the series of a metric, None where it does not fit any more."""
        found = self._series.get(key)
        if found is None:
            if len(self._series) >= self._max_keys:
                if len(self._dropped) < _MAX_DROPPED_KEYS:
                    self._dropped.add(hash(key))
                return None
            points = SKETCH_POINTS if len(self._series) < _FINE_SERIES else _COARSE_POINTS
            found = self._series[key] = Series(key, points)
        return found

    def summaries(self) -> dict[str, SeriesSummary]:
        """Return all series by key; the parts of a media object become one series of that type."""
        media = [key.removesuffix("._type") for key in self._series if key.endswith("._type")]
        found: dict[str, SeriesSummary] = {}
        for key, series in sorted(self._series.items()):
            parent = next((name for name in media if key.startswith(f"{name}.")), None)
            if parent is None:
                found[key] = series.summary()
            elif key == f"{parent}._type":
                kind = series.last_text or "dict"
                types = {kind: series.count}
                found[parent] = series.summary().model_copy(update={"key": parent, "types": types})
        return found


def _known(time: float) -> float | None:
    return None if math.isnan(time) else time


def _add_column(series: Series, column: Column, steps: Steps) -> None:
    """Add the samples of one metric in consecutive rows."""
    numbers = column.numbers.tolist()
    if column.rows is None:  # then all are numbers
        series.add(steps, numbers)
        return
    number_rows = column.rows
    odd_rows = [row for row, _, _ in column.odd]
    rows = sorted([*number_rows, *odd_rows]) if odd_rows else number_rows
    series.add(Steps([steps.values[row] for row in rows]), numbers, [steps.values[row] for row in number_rows])
    series.add_odd(column.odd)
