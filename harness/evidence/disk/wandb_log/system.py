"""Sums up the system metrics (stats records) of a log."""

from __future__ import annotations

from collections.abc import Iterable

from harness.evidence.disk.wandb_log.series import SKETCH_POINTS, Extent, Sketch, bound
from harness.evidence.disk.wandb_log.values import MAX_KEY, as_number, clean_text, parse_json, to_number
from harness.evidence.models.wandb_log import SystemSeriesSummary

_MAX_SERIES = 10_000
_FINE_SERIES = 300
_COARSE_POINTS = 20
_GATHERED = 128
_COARSE_GATHERED = 16
_MAX_LABELS = 256
_MAX_TEXT = 100
# In shared mode every writer marks its series: `cpu/l:rank0`.
_LABEL_MARK = "/l:"


class SystemSeries:
    """One system metric; samples are gathered and summed up many at a time."""

    def __init__(self, key: str, start: float, sketch_points: int = SKETCH_POINTS, gathered: int = _GATHERED) -> None:
        """`start` is the Unix time of the log's first sample."""
        self.key = key
        self._start = start
        self._count = 0
        self._extent = Extent()
        self._sketch = Sketch(sketch_points)
        self._gathered = gathered
        self._times: list[float] = []
        self._texts: list[str] = []

    def add(self, time: float, text: str) -> None:
        """Take one sample: its Unix time, and the value's JSON text."""
        self._times.append(time)
        self._texts.append(text)
        if len(self._times) >= self._gathered:
            self._sum_up()

    def _sum_up(self) -> None:
        times, values = self._times, [as_number(parse_json(text.encode())) for text in self._texts]
        self._times, self._texts = [], []
        self._count += len(times)
        numbers = [value for value in values if value is not None]
        if numbers:
            since = [
                round(time - self._start, 3) for time, value in zip(times, values, strict=True) if value is not None
            ]
            self._extent.add(numbers)
            self._sketch.add(since, numbers)

    def summary(self) -> SystemSeriesSummary:
        """Return what is known so far."""
        if self._times:
            self._sum_up()
        extent = self._extent
        return SystemSeriesSummary(
            key=self.key,
            count=self._count,
            count_number=extent.count,
            first=None if extent.first is None else to_number(extent.first),
            last=None if extent.last is None else to_number(extent.last),
            min=bound(extent.low),
            max=bound(extent.high),
            sketch=self._sketch.points(),
        )


class System:
    """What the system monitor sampled."""

    def __init__(self) -> None:
        self.samples = 0
        self.first_time: float | None = None
        self.last_time: float | None = None
        self.labels: set[str] = set()
        self._series: dict[str, SystemSeries] = {}
        self._dropped: set[int] = set()

    @property
    def dropped(self) -> int:
        """How many series did not fit."""
        return len(self._dropped)

    def add(self, time: float, items: Iterable[tuple[str, str]]) -> None:
        """Take one sample: Unix time, and (key, JSON text) pairs."""
        self.samples += 1
        if self.first_time is None:
            self.first_time = time
        self.last_time = time
        for key, text in items:
            series = self._find(key, self.first_time)
            if series is not None:
                series.add(time, text[:_MAX_TEXT])  # a number is shorter

    def _find(self, key: str, start: float) -> SystemSeries | None:
        series = self._series.get(key)
        if series is None:
            name = clean_text(key, MAX_KEY)
            if name in self._series:
                return self._series[name]
            if len(self._series) >= _MAX_SERIES:
                if len(self._dropped) < _MAX_SERIES:
                    self._dropped.add(hash(name))
                return None
            if _LABEL_MARK in name and len(self.labels) < _MAX_LABELS:
                self.labels.add(name.rpartition(_LABEL_MARK)[2])
            fine = len(self._series) < _FINE_SERIES
            sizes = (SKETCH_POINTS, _GATHERED) if fine else (_COARSE_POINTS, _COARSE_GATHERED)
            series = self._series[name] = SystemSeries(name, start, *sizes)
        return series

    def summaries(self) -> dict[str, SystemSeriesSummary]:
        """Return all series by key."""
        return {key: series.summary() for key, series in sorted(self._series.items())}
