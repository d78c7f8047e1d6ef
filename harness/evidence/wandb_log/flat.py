"""Config and summary: values by dotted key, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.evidence.wandb_log import values

if TYPE_CHECKING:
    from pydantic import JsonValue

MAX_ENTRIES = 2000


class FlatDict:
    """A nested dictionary kept flat."""

    def __init__(self) -> None:
        self.entries: dict[str, JsonValue] = {}
        self._dropped: set[int] = set()
        # Keys that have others below them: setting one of these replaces all that.
        self._parents: set[str] = set()

    @property
    def dropped(self) -> int:
        """How many keys did not fit; counted up to `MAX_ENTRIES`."""
        return len(self._dropped)

    def update(self, path: Sequence[bytes], value_json: bytes) -> None:
        """Set a key, taking dictionaries apart; an invalid value is kept as text."""
        key = values.key_name(path)
        if key in self._parents:
            self.remove(path)
        for name, leaf in values.leaves(key, values.text_or_value(value_json)):
            if name in self.entries:
                self.entries[name] = values.clean(leaf)
            elif len(self.entries) < MAX_ENTRIES:
                self.entries[name] = values.clean(leaf)
                self._note_parents(name)
            elif len(self._dropped) < MAX_ENTRIES:
                self._dropped.add(hash(name))

    def _note_parents(self, name: str) -> None:
        parent = name.rpartition(".")[0]
        while parent:
            self._parents.add(parent)
            parent = parent.rpartition(".")[0]

    def remove(self, path: Sequence[bytes]) -> None:
        """Remove a key and all below it."""
        key = values.key_name(path)
        for name in [name for name in self.entries if name == key or name.startswith(f"{key}.")]:
            del self.entries[name]
        self._parents.discard(key)
