"""Walks the protobuf wire format by hand: exact, slow, and safe for any bytes.

The way for records that the bulk decoder (`columns.py`) refuses, and for very large ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_VARINT_BYTES = 10
_FIELD_NUMBERS = 2**29

# Field numbers of `Record` (wandb_internal.proto): its record types by name.
RECORD_TYPES = {
    2: "history",
    3: "summary",
    4: "output",
    5: "config",
    6: "files",
    7: "stats",
    8: "artifact",
    9: "tbrecord",
    10: "alert",
    11: "telemetry",
    12: "metric",
    13: "output_raw",
    17: "run",
    18: "exit",
    20: "final",
    21: "header",
    22: "footer",
    23: "preempting",
    24: "link_artifact",
    25: "use_artifact",
    26: "environment",
    27: "output_logger",
    100: "request",
}
HISTORY, SUMMARY = 2, 3
_HISTORY_STEP = 2
_ITEM_KEY, _ITEM_NESTED_KEY, _ITEM_VALUE = 1, 2, 16
VALUE_TAG = b"\x82\x01"  # field 16, bytes


class WireError(ValueError):
    """The bytes are not a protobuf message."""


class Field(NamedTuple):
    """One field: its value if it is a number, else the bounds of its bytes."""

    number: int
    wire_type: int
    value: int
    start: int
    stop: int


class Item(NamedTuple):
    """A history, summary or config item: its path, and its value as JSON text."""

    path: tuple[bytes, ...]
    value: bytes


def _varint(data: bytes, position: int, stop: int) -> tuple[int, int]:
    """Return (value, position after it)."""
    value = 0
    for index in range(_VARINT_BYTES):
        if position >= stop:
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80 and value < 1 << 64:
            return value, position
    raise WireError("a varint does not end")


def fields(data: bytes, position: int = 0, stop: int | None = None) -> Iterator[Field]:
    """Yield the fields of the message in `data[position:stop]`.

    Raises:
        WireError: the bytes are not a message; fields before that point were yielded.
    """
    end = len(data) if stop is None else stop
    while position < end:
        tag, position = _varint(data, position, end)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number < _FIELD_NUMBERS:
            raise WireError(f"field number {number}")
        if wire_type == VARINT:
            value, position = _varint(data, position, end)
            yield Field(number, wire_type, value, position, position)
            continue
        if wire_type == LENGTH:
            size, position = _varint(data, position, end)
        elif wire_type in (FIXED32, FIXED64):
            size = 8 if wire_type == FIXED64 else 4
        else:
            raise WireError(f"wire type {wire_type}")
        if position + size > end:
            raise WireError("a field runs over the end")
        yield Field(number, wire_type, 0, position, position + size)
        position += size


def _messages(data: bytes, number: int, position: int = 0, stop: int | None = None) -> Iterator[Field]:
    """Yield the fields with this number that hold bytes."""
    for part in fields(data, position, stop):
        if part.number == number and part.wire_type == LENGTH:
            yield part


def record_type(payload: bytes) -> int:
    """Return the field number of the record's type, 0 where there is none.

    Raises:
        WireError: the bytes are not a message.
    """
    for part in fields(payload):
        if part.number in RECORD_TYPES and part.wire_type == LENGTH:
            return part.number
    return 0


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def item(data: bytes, start: int = 0, stop: int | None = None) -> Item:
    """Take a history, summary or config item apart.

    Raises:
        WireError: the bytes are not a message.
    """
    path: list[bytes] = []
    value = b""
    for part in fields(data, start, stop):
        if part.wire_type != LENGTH:
            continue
        if part.number in (_ITEM_KEY, _ITEM_NESTED_KEY):
            path.append(data[part.start : part.stop])
        elif part.number == _ITEM_VALUE:
            value = data[part.start : part.stop]
    return Item(tuple(path), value)


def whole_path(data: bytes) -> tuple[bytes, ...] | None:
    """Return the path if the bytes are the key fields of an item and nothing else."""
    try:
        parts = list(fields(data))
    except WireError:
        return None
    if any(part.number not in (_ITEM_KEY, _ITEM_NESTED_KEY) or part.wire_type != LENGTH for part in parts):
        return None
    return tuple(data[part.start : part.stop] for part in parts)


def only_value(data: bytes) -> bytes | None:
    """Return the value if the bytes are the value field of an item and nothing else."""
    start = 3
    size = int.from_bytes(data[2:start], "big")
    if size >= 0x80:
        size, start = size & 0x7F | int.from_bytes(data[3:4], "big") << 7, 4
    return data[start:] if data[:2] == VALUE_TAG and len(data) == start + size else None


def raw_items(payload: bytes, kind: int) -> list[bytes] | None:
    """Return the serialized items of a history record, None where it is broken."""
    found = []
    try:
        for record in _messages(payload, kind):
            for part in _messages(payload, 1, record.start, record.stop):
                item(payload, part.start, part.stop)
                found.append(payload[part.start : part.stop])
    except WireError:
        return None
    return found


def items(payload: bytes, kind: int, field_number: int = 1) -> list[Item]:
    """Return the items of a history, summary or config record.

    Args:
        payload: a serialized `Record`.
        kind: the field number of the record's type in `Record`.
        field_number: of the repeated items: 1 holds the updates, 2 the removals of summary and config.

    Raises:
        WireError: the bytes are not a message.
    """
    return [
        item(payload, part.start, part.stop)
        for record in _messages(payload, kind)
        for part in _messages(payload, field_number, record.start, record.stop)
    ]


def history_step(payload: bytes) -> int | None:
    """Return `history.step.num`, None where the record has no readable step."""
    step: int | None = None
    try:
        for record in _messages(payload, HISTORY):
            for part in _messages(payload, _HISTORY_STEP, record.start, record.stop):
                step = 0
                for number in fields(payload, part.start, part.stop):
                    if number.number == 1 and number.wire_type == VARINT:
                        step = _signed(number.value)
    except WireError:
        return None
    return step
