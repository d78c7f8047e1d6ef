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

    @property
    def dropped(self) -> int:
        """How many keys did not fit; counted up to `MAX_ENTRIES`."""
        return len(self._dropped)

    def update(self, path: Sequence[bytes], value_json: bytes) -> None:
        """Set a key, taking dictionaries apart; an invalid value is kept as text."""
        try:
            value = values.parse_json(value_json)
        except values.BadJsonError:
            value = value_json[: 4 * values.MAX_TEXT].decode("utf-8", "replace")
        for name, leaf in values.leaves(values.key_name(path), value):
            if name in self.entries or len(self.entries) < MAX_ENTRIES:
                self.entries[name] = values.clean(leaf)
            elif len(self._dropped) < MAX_ENTRIES:
                self._dropped.add(hash(name))

    def remove(self, path: Sequence[bytes]) -> None:
        """Remove a key and all below it."""
        key = values.key_name(path)
        for name in [name for name in self.entries if name == key or name.startswith(f"{key}.")]:
            del self.entries[name]
