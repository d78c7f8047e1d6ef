"""Protobuf messages of our own that let protobuf's C code take many records apart in one call.

Where a message field occurs several times, protobuf merges the occurrences, and repeated fields inside are
strung together. So if the *repeated* items of W&B's records are declared as *one* message with repeated
fields, parsing many records, one behind the other, gives flat lists: all keys, all values. The wire format
is the same; field numbers are those of wandb_internal.proto (`HistoryItem`, `SummaryItem`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.disk.wandb_log.messages import message_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Bytes instead of strings, so that no text needs to be valid UTF-8.
_MESSAGES = {
    "Items": "repeated bytes key 1, repeated bytes nested_key 2, repeated bytes value 16",
    # HistoryRecord and SummaryRecord begin alike: field 1 holds the items.
    "Columns": "Items items 1, repeated bytes remove 2",
    "FlatRecord": "Columns history 2, Columns summary 3",
    "Flat": "FlatRecord record 1",
    "Raw": "repeated bytes items 1",
    "RawRecord": "Raw history 2, Raw summary 3",
    "RawRecords": "RawRecord record 1",
}


class Schema:
    """The parsers: each takes records as `join` puts them together; DecodeError where one is broken."""

    def __init__(self) -> None:
        classes = message_classes("log", "proto2", _MESSAGES)
        self.flat: Callable[[bytes], Any] = classes["Flat"].FromString
        self.raw: Callable[[bytes], Any] = classes["RawRecords"].FromString

    def join(self, payloads: Sequence[bytes], separator: bytes = b"") -> bytes:
        """String records together, each framed by its length, so that a broken one cannot eat the next."""
        try:
            prefixes = list(map(_PREFIXES.__getitem__, map(len, payloads)))
        except IndexError:
            prefixes = [b"\x0a" + varint(len(payload)) for payload in payloads]
        if separator:
            prefixes = [separator + prefix for prefix in prefixes]
        pieces = [b""] * (2 * len(payloads))
        pieces[::2] = prefixes
        pieces[1::2] = payloads
        return b"".join(pieces)


def varint(value: int) -> bytes:
    """Encode a number of at least 0 as protobuf does it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# Most records are short: their prefixes are looked up.
_PREFIXES = tuple(b"\x0a" + varint(size) for size in range(4096))
