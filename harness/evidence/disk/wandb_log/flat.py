"""Config and summary: values by dotted key, bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.evidence.disk.wandb_log import values

if TYPE_CHECKING:
    from pydantic import JsonValue

MAX_ENTRIES = 2000

_Place = tuple[str, ...]


class FlatDict:
    """A nested dictionary kept flat; a key with a dot in its name is no nested one."""

    def __init__(self) -> None:
        self.entries: dict[str, JsonValue] = {}
        self._dropped: set[int] = set()
        # Where each entry stands, and how many stand below each key.
        self._names: dict[_Place, str] = {}
        self._below: Counter[_Place] = Counter()

    @property
    def dropped(self) -> int:
        """How many keys did not fit; counted up to `MAX_ENTRIES`."""
        return len(self._dropped)

    def update(self, path: Sequence[bytes], value_json: bytes) -> None:
        """Set a key, taking dictionaries apart; an invalid value is kept as text."""
        key = values.key_parts(path)
        if key in self._below:
            self.remove(path)
        for place, leaf in values.leaves(key, values.text_or_value(value_json)):
            if place not in self._names and len(self._names) < MAX_ENTRIES:
                self._add(place)
            if place in self._names:
                self.entries[self._names[place]] = values.clean(leaf)
            elif len(self._dropped) < MAX_ENTRIES:
                self._dropped.add(hash(place))

    def _add(self, place: _Place) -> None:
        """Make room for an entry: a key above it has no value of its own any more."""
        for above in _above(place):
            self._drop(above)
            self._below[above] += 1
        self._names[place] = values.dotted(place)

    def _drop(self, place: _Place) -> None:
        name = self._names.pop(place, None)
        if name is None:
            return
        self.entries.pop(name, None)
        for above in _above(place):
            self._below[above] -= 1
            if not self._below[above]:
                del self._below[above]

    def remove(self, path: Sequence[bytes]) -> None:
        """Remove a key and all below it."""
        key = values.key_parts(path)
        for place in [place for place in self._names if place[: len(key)] == key]:
            self._drop(place)


def _above(place: _Place) -> Iterator[_Place]:
    """Yield the keys that a place is nested in."""
    return (place[:end] for end in range(1, len(place)))
