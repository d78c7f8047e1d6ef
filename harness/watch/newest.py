"""The newest of what was seen of a run, in little memory: one watch may hold hundreds of runs for days."""

import math
import sys
from array import array
from collections.abc import Iterator, Mapping
from itertools import chain

Samples = dict[str, list[tuple[float, float]]]


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
    """The newest samples of all system metrics; an answer that brings the same again is no sample.

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
        if any(node not in self._tables or self._tables[node].newest() != told for node, told in by_node.items()):
            for node, told in by_node.items():
                self._tables.setdefault(node, _Table(self._most)).add(at, told)

    def by_key(self) -> Samples:
        """Return the samples of each metric, oldest first."""
        return {key: points for table in self._tables.values() for key, points in table.by_key() if points}


class _Table:
    """A row a sample: its time, and a number for each metric, none where it was not told."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: tuple[str, ...] = ()
        self._cells = array("d")

    def add(self, at: float, values: Mapping[str, float]) -> None:
        if more := [sys.intern(key) for key in values if key not in self._keys]:
            wide, none = len(self._keys) + 1, array("d", [math.nan] * len(more))
            rows = range(0, len(self._cells), wide)
            self._cells = array("d", chain.from_iterable(self._cells[n : n + wide] + none for n in rows))
            self._keys = (*self._keys, *more)
        self._cells.extend((at, *(values.get(key, math.nan) for key in self._keys)))
        del self._cells[: -self._most * (len(self._keys) + 1)]

    def newest(self) -> dict[str, float]:
        last = self._cells[-len(self._keys) :]
        return {key: number for key, number in zip(self._keys, last, strict=True) if not math.isnan(number)}

    def by_key(self) -> Iterator[tuple[str, list[tuple[float, float]]]]:
        wide = len(self._keys) + 1
        times = self._cells[::wide]
        for n, key in enumerate(self._keys, 1):
            told = zip(times, self._cells[n::wide], strict=True)
            yield key, [point for point in told if not math.isnan(point[1])]
