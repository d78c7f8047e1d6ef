"""The newest of what was seen of a run, in little memory: one watch may hold hundreds of runs for days."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from harness.judging.live.activity import Series


class Numbers:
    """The newest numbers of a series."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = array("d")

    def add(self, number: float) -> None:
        """Append a number; the oldest gives way."""
        self._kept.append(number)
        del self._kept[: -self._most]

    def clear(self) -> None:
        """Forget all."""
        del self._kept[:]

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[float]:
        return iter(self._kept)

    @property
    def last(self) -> float | None:
        """The newest."""
        return self._kept[-1] if self._kept else None


class Metrics:
    """The samples of all system metrics; an answer that brings the same again is no sample.

    Each node has a table of its own: of one that sends nothing any more, the last samples stay.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tables: dict[str, _Table] = {}

    def add(self, at: float, values: Mapping[str, float]) -> None:
        """Append a sample."""
        by_node: dict[str, dict[str, float]] = {}
        for key, value in values.items():
            by_node.setdefault(key.partition("/l:")[2], {})[key] = value
        tables = [(self._tables.setdefault(node, _Table(self._most)), told) for node, told in by_node.items()]
        rows = [table.row(told) for table, told in tables]
        if any(table.is_news(row) for (table, _), row in zip(tables, rows, strict=True)):
            for (table, _), row in zip(tables, rows, strict=True):
                table.add(at, row)

    @property
    def times(self) -> Sequence[float]:
        """When the samples of the table with the newest one were taken, in unix seconds."""
        return max((table.times for table in self._tables.values()), key=lambda times: times[-1], default=())

    @property
    def together(self) -> bool:
        """Whether the newest sample tells of every node."""
        return len({table.times[-1] for table in self._tables.values()}) < 2

    def by_key(self) -> dict[str, Series]:
        """Return the samples of each metric, oldest first."""
        return {key: series for table in self._tables.values() for key, series in table.by_key() if series.times}


class _Table:
    """A row a sample: its time, and a number for each metric, none where it was not told.

    Of the older half every other row is dropped where there are too many: what was long ago is still known.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: tuple[str, ...] = ()
        self._cells = array("f")
        self.times = array("d")

    @property
    def width(self) -> int:
        return len(self._keys)

    def row(self, values: Mapping[str, float]) -> array[float]:
        """Put values in the order of the table's keys, with new ones at its end."""
        if tuple(values) == self._keys:
            return array("f", values.values())
        if more := [sys.intern(key) for key in values if key not in self._keys]:
            wide, none = self.width, array("f", [math.nan] * len(more))
            rows = range(0, len(self._cells), wide or 1)
            self._cells = array("f", chain.from_iterable(self._cells[n : n + wide] + none for n in rows))
            self._keys = (*self._keys, *more)
        return array("f", (values.get(key, math.nan) for key in self._keys))

    def is_news(self, row: array[float]) -> bool:
        """Whether these are not the newest once more."""
        return row != self._cells[-self.width :]

    def add(self, at: float, row: array[float]) -> None:
        self.times.append(at)
        self._cells.extend(row)
        if len(self.times) > self._most:
            wide = self.width
            for n in reversed(range(1, max(2, self._most // 2), 2)):
                del self.times[n], self._cells[n * wide : (n + 1) * wide]

    def by_key(self) -> Iterator[tuple[str, Series]]:
        wide = self.width
        for n, key in enumerate(self._keys):
            column = self._cells[n::wide]
            if math.isnan(sum(column)):
                told = [row for row, number in enumerate(column) if not math.isnan(number)]
                yield key, Series([self.times[row] for row in told], [column[row] for row in told])
            else:
                yield key, Series(self.times, column)
