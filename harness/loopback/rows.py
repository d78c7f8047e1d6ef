"""The rows of a run's history or system metrics: written by offset, read by step, by sample and by key."""

from __future__ import annotations

import bisect
import itertools
import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.loopback.jsontext import loads_object, strict, strict_line
from harness.loopback.series import KeyStatistics, flatten, key_entry

# A chunk this far beyond the last line is no lost chunk but nonsense, and would only eat memory.
# In one request the SDK sends some thousands of lines.
MAX_GAP = 100_000
LARGEST_STEP = 2**53


class RowLog(Protocol):
    """What the server asks of a log of rows, however it is kept."""

    def __len__(self) -> int: ...

    @property
    def missing(self) -> int:
        """How many rows were skipped and never came."""

    def line(self, number: int) -> str:
        """Row `number` as strict JSON text."""

    def history_keys(self) -> dict[str, Any]:
        """`{"keys": {KEY: {typeCounts, monotonicity, previousValue}}, "lastStep": int, "sets": []}`."""

    def between(self, first_step: int, end_step: int) -> Sequence[int]:
        """Row numbers whose step is in [first_step, end_step), in order of step."""

    def holding(self, keys: Sequence[str]) -> Sequence[int]:
        """Row numbers that hold every one of the keys."""


def gap_before(offset: int, length: int, missing: int) -> int:
    """How many lines are skipped where one is written at `offset`, behind `length` of which some are missing already.

    Raises:
        ValueError: the offset is absurd.
    """
    gap = max(0, offset - length)
    if offset < 0 or gap + missing > MAX_GAP:
        raise ValueError(f"offset {offset} does not follow {length} lines")
    return gap


def evenly(numbers: Sequence[int], samples: int) -> list[int]:
    """At most `samples` of the numbers, evenly spread, first and last included."""
    if samples <= 0:
        return []
    if len(numbers) <= samples:
        return list(numbers)
    if samples == 1:
        return [numbers[0]]
    last = len(numbers) - 1
    return [numbers[index * last // (samples - 1)] for index in range(samples)]


class LineLog:
    """Rows kept as the JSON lines that came, with an index that grows by O(keys) for each row.

    A line sent again at an offset that is taken replaces the old one, as on the real server: that is what makes
    several ranks with one run id overwrite each other. The index is then built again at the next read.
    """

    def __init__(self) -> None:
        self._lines: list[str | None] = []  # None where a chunk was skipped
        self._steps = array("q")
        self._keys: dict[str, KeyStatistics] = {}
        self._in_order = True
        self.missing = 0
        self._stale = False

    def __len__(self) -> int:
        return len(self._lines)

    def write(self, offset: int, lines: Sequence[str], rows: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Stores lines at their offset; `rows` is what they say, where it was read already.

        Raises:
            ValueError: a line is no JSON object (nothing of the chunk is stored then), or the offset is absurd.
        """
        parsed = [loads_object(line) for line in lines] if rows is None else rows
        gap = gap_before(offset, len(self._lines), self.missing)
        if offset < len(self._lines):
            self._stale = True
            self.missing -= self._lines[offset : offset + len(lines)].count(None)
            self._lines[offset : offset + len(lines)] = lines
            return
        self.missing += gap
        for _ in range(gap):
            self._append(None, {})
        for line, row in zip(lines, parsed, strict=True):
            self._append(line, row)

    def up_to(self, last_step: int) -> LineLog:
        """A new log of the rows whose step is not beyond `last_step`, in the order of the steps."""
        kept = LineLog()
        kept.write(0, [self._lines[number] or "{}" for number in self.between(-LARGEST_STEP, last_step + 1)])
        return kept

    def _append(self, line: str | None, row: Mapping[str, Any]) -> None:
        self._lines.append(line)
        if not self._stale:
            self._index(len(self._lines) - 1, row)

    def _index(self, number: int, row: Mapping[str, Any]) -> None:
        step = row.get("_step", number)
        # A step that no float can hold exactly is nonsense, and so is NaN, which compares false.
        step = int(step) if isinstance(step, (int, float)) and abs(step) <= LARGEST_STEP else number
        self._in_order = self._in_order and (not self._steps or step >= self._steps[-1])
        self._steps.append(step)
        for key, value in flatten(row):
            statistics = self._keys.get(key)
            if statistics is None:
                statistics = self._keys[key] = KeyStatistics()
            statistics.add(number, value)

    def _refresh(self) -> None:
        if not self._stale:
            return
        self._steps, self._keys, self._in_order, self._stale = array("q"), {}, True, False
        for number, line in enumerate(self._lines):
            self._index(number, {} if line is None else loads_object(line))

    def line(self, number: int) -> str:
        """Row `number` as strict JSON text."""
        return strict_line(self._lines[number] or "{}")

    def history_keys(self) -> dict[str, Any]:
        """The summary of every key; see `RowLog.history_keys`."""
        self._refresh()
        keys = {key: strict(statistics.summary()) for key, statistics in self._keys.items()}
        last = -1 if not self._steps else (self._steps[-1] if self._in_order else max(self._steps))
        return {"keys": keys, "lastStep": last, "sets": []}

    def between(self, first_step: int, end_step: int) -> Sequence[int]:
        """Row numbers whose step is in [first_step, end_step), in order of step."""
        self._refresh()
        if not self._in_order or self.missing:
            numbered = enumerate(zip(self._steps, self._lines, strict=True))
            found = [(s, n) for n, (s, line) in numbered if line is not None and first_step <= s < end_step]
            return [number for _, number in sorted(found)]
        low = bisect.bisect_left(self._steps, first_step)
        return range(low, max(low, bisect.bisect_left(self._steps, end_step)))

    def holding(self, keys: Sequence[str]) -> Sequence[int]:
        """Row numbers that hold every one of the keys."""
        self._refresh()
        known = [self._keys[key].rows for key in keys if key in self._keys]
        if not known or len(known) < len(keys):
            return ()
        rarest, *others = sorted(known, key=len)
        others = [rows for rows in others if len(rows) != len(self._lines)]
        return rarest if not others else sorted(set(rarest).intersection(*others))


@dataclass(frozen=True)
class GeneratedLog:
    """A history of any length that takes no memory: each row is computed when it is asked for.

    Every series is a function of the step and has a finite number at each of the `steps` steps.
    """

    steps: int
    series: Mapping[str, Callable[[int], float]]
    started_at: float = 0.0
    seconds_per_step: float = 1.0
    missing: int = 0
    _checked: int = field(default=1000, repr=False)

    def __len__(self) -> int:
        return self.steps

    def _row(self, step: int) -> dict[str, Any]:
        runtime = step * self.seconds_per_step
        own: dict[str, Any] = {"_step": step, "_runtime": runtime, "_timestamp": self.started_at + runtime}
        return own | {key: function(step) for key, function in self.series.items()}

    def line(self, number: int) -> str:
        """Row `number` as strict JSON text."""
        return json.dumps(strict(self._row(number)))

    def history_keys(self) -> dict[str, Any]:
        """The summary of every key; the direction is judged from at most 1,000 rows."""
        if not self.steps:
            return {"keys": {}, "lastStep": -1, "sets": []}
        rows = [self._row(n) for n in evenly(range(self.steps), self._checked)]
        keys = {}
        for key in rows[0]:
            pairs = [(a[key], b[key]) for a, b in itertools.pairwise(rows)]
            rising, falling = all(a <= b for a, b in pairs), all(a >= b for a, b in pairs)
            keys[key] = key_entry({"number": self.steps}, rows[-1][key], rising=rising, falling=falling)
        return {"keys": keys, "lastStep": self.steps - 1, "sets": []}

    def between(self, first_step: int, end_step: int) -> Sequence[int]:
        """Row numbers whose step is in [first_step, end_step)."""
        return range(max(0, first_step), max(0, min(end_step, self.steps)))

    def holding(self, keys: Sequence[str]) -> Sequence[int]:
        """Every row, if the keys exist."""
        own = {"_step", "_runtime", "_timestamp", *self.series}
        return range(self.steps) if own.issuperset(keys) else ()
