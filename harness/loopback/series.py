"""What a server knows about each key of a run's history without reading the history again."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from typing import Any


def value_type(value: Any) -> str:
    """The name that `historyKeys.keys[KEY].typeCounts[].type` uses for a value.

    NaN and the infinities are kept as strings by the server, so they count as such. Media and tables carry
    their own type in `_type`.
    """
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):  # of any size, also where no float is as large
        return "number"
    if isinstance(value, float):
        return "number" if math.isfinite(value) else "string"
    if isinstance(value, str):
        return "string"
    if value is None:
        return "nil"
    if isinstance(value, Mapping):
        return str(value.get("_type", "map"))
    return "list"


def flatten(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of a row as the server lists them: plain nested mappings become `outer.inner`."""
    for key, value in row.items():
        if isinstance(value, Mapping) and "_type" not in value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class KeyStatistics:
    """Type counts, last value, direction and row numbers of one key; each value costs the same, O(1)."""

    __slots__ = ("_last_number", "falling", "last", "rising", "rows", "types")

    def __init__(self) -> None:
        self.types: dict[str, int] = {}
        self.last: Any = None
        self.rows = array("Q")
        self.rising = True
        self.falling = True
        self._last_number: float | None = None

    def add(self, row_number: int, value: Any) -> None:
        """Takes in the value of this key in one more row."""
        kind = value_type(value)
        self.types[kind] = self.types.get(kind, 0) + 1
        self.last = value
        self.rows.append(row_number)
        if kind == "number":
            if self._last_number is not None:
                self.rising = self.rising and value >= self._last_number
                self.falling = self.falling and value <= self._last_number
            self._last_number = value

    def summary(self) -> dict[str, Any]:
        """The entry of this key under `historyKeys.keys`."""
        return key_entry(self.types, self.last, rising=self.rising, falling=self.falling)


def key_entry(types: Mapping[str, int], last: Any, *, rising: bool, falling: bool) -> dict[str, Any]:
    """One entry of `historyKeys.keys`: the SDK's `wandb verify` reads `previousValue` as the last value."""
    direction = "INCREASING" if rising and "number" in types else "MONOTONICITY_NONE"
    if falling and not rising and "number" in types:
        direction = "DECREASING"
    return {
        "typeCounts": [{"type": kind, "count": count} for kind, count in types.items()],
        "monotonicity": direction,
        "previousValue": last,
    }
