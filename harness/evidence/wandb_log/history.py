"""Sums up the history records of a log: rows, steps, times, and one series per metric."""

from __future__ import annotations

from harness.evidence.wandb_log import wire
from harness.evidence.wandb_log.models import SeriesSummary
from harness.evidence.wandb_log.series import SKETCH_POINTS, Series, StepOrder, Steps
from harness.evidence.wandb_log.values import BadJsonError, as_number, key_name, leaves, parse_json

# Beyond so many series the later ones keep a coarser sketch, which bounds memory and the evidence file.
_FINE_SERIES = 200
_COARSE_POINTS = 20
_MAX_DROPPED_KEYS = 100_000
_INTERNAL = {"_step", "_runtime", "_timestamp"}


class _Row:
    """One history record, taken apart."""

    def __init__(self, payload: bytes) -> None:
        self.step = wire.history_step(payload)
        self.time: float | None = None
        self.cells: list[tuple[str, object]] = []
        self.bad: list[str] = []
        for item in wire.items(payload, wire.HISTORY):
            key = key_name(item.path)
            try:
                self._add(key, parse_json(item.value))
            except BadJsonError:
                if key not in _INTERNAL:
                    self.bad.append(key)

    def _add(self, key: str, value: object) -> None:
        if key not in _INTERNAL:
            self.cells.extend(leaves(key, value))
        elif key == "_timestamp":
            self.time = as_number(value)
        elif key == "_step" and isinstance(value, int):
            self.step = value


class History:
    """What the rows of `run.log()` hold."""

    def __init__(self, max_keys: int) -> None:
        self.rows = 0
        self.order = StepOrder()
        self.first_time: float | None = None
        self.last_time: float | None = None
        self._max_keys = max_keys
        self._series: dict[str, Series] = {}
        self._dropped: set[int] = set()

    @property
    def dropped_keys(self) -> int:
        """How many metrics did not fit `max_keys`; counted up to 100,000."""
        return len(self._dropped)

    def series_for(self, key: str) -> Series | None:
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

    def add_rows(self, steps: Steps, first_time: float | None, last_time: float | None) -> None:
        """Count rows, at least one."""
        self.rows += len(steps.values)
        self.order.add(steps)
        if self.first_time is None:
            self.first_time = first_time
        if last_time is not None:
            self.last_time = last_time

    def add_record(self, payload: bytes) -> None:
        """Take one row by the exact and slow way.

        Raises:
            WireError: the bytes are not a message; nothing is taken.
        """
        row = _Row(payload)
        if row.step is None:
            # No SDK leaves the step out; then the row counts as the next one.
            row.step = 0 if self.order.last is None else self.order.last + 1
        steps = Steps([row.step])
        self.add_rows(steps, row.time, row.time)
        for key, value in row.cells:
            series = self.series_for(key)
            if series is not None:
                series.add_values(steps, [value])
                series.add_times(row.time, row.time)
        for key in row.bad:
            series = self.series_for(key)
            if series is not None:
                series.add_bad(steps)
                series.add_times(row.time, row.time)

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
