"""Sums up the system metrics (stats records) of a log."""

from __future__ import annotations

from collections.abc import Iterable

from harness.evidence.wandb_log.models import SystemSeriesSummary
from harness.evidence.wandb_log.series import SKETCH_POINTS, SystemSeries
from harness.evidence.wandb_log.values import MAX_KEY, clean_text

_MAX_SERIES = 2000
_FINE_SERIES = 300
_COARSE_POINTS = 20
_MAX_LABELS = 256
_MAX_TEXT = 100
# In shared mode every writer marks its series: `cpu/l:rank0`.
_LABEL_MARK = "/l:"


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
            series = self._find(key)
            if series is not None:
                series.add(time, self.first_time, text[:_MAX_TEXT])  # a number is shorter

    def _find(self, key: str) -> SystemSeries | None:
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
            points = SKETCH_POINTS if len(self._series) < _FINE_SERIES else _COARSE_POINTS
            series = self._series[name] = SystemSeries(name, points)
        return series

    def summaries(self) -> dict[str, SystemSeriesSummary]:
        """Return all series by key."""
        return {key: series.summary() for key, series in sorted(self._series.items())}
