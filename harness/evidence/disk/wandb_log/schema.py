"""Protobuf messages of our own that let protobuf's C code take many records apart in one call.

Where a message field occurs several times, protobuf merges the occurrences, and repeated fields inside are
strung together. So if the *repeated* items of W&B's records are declared as *one* message with repeated
fields, parsing many records, one behind the other, gives flat lists: all keys, all values. The wire format
is the same; field numbers are those of wandb_internal.proto (`HistoryItem`, `SummaryItem`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FIELD = descriptor_pb2.FieldDescriptorProto
_SINGLE, _MANY = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED


def _file() -> descriptor_pb2.FileDescriptorProto:
    """Describe the messages; bytes instead of strings, so that no text needs to be valid UTF-8."""
    described = descriptor_pb2.FileDescriptorProto(name="wandb_log.proto", package="log", syntax="proto2")

    def message(name: str, *fields: tuple[str, int, int, str]) -> None:
        entry = described.message_type.add(name=name)
        for field, number, label, kind in fields:
            made = entry.field.add(name=field, number=number, type=_FIELD.TYPE_BYTES)
            made.label = label  # type: ignore[assignment]  # numbers, to the stubs, are no labels
            if kind:
                made.type, made.type_name = _FIELD.TYPE_MESSAGE, f".log.{kind}"

    message("Items", ("key", 1, _MANY, ""), ("nested_key", 2, _MANY, ""), ("value", 16, _MANY, ""))
    # HistoryRecord and SummaryRecord begin alike: field 1 holds the items.
    message("Columns", ("items", 1, _SINGLE, "Items"), ("remove", 2, _MANY, ""))
    message("FlatRecord", ("history", 2, _SINGLE, "Columns"), ("summary", 3, _SINGLE, "Columns"))
    message("Flat", ("record", 1, _SINGLE, "FlatRecord"))
    message("Raw", ("items", 1, _MANY, ""))
    message("RawRecord", ("history", 2, _SINGLE, "Raw"), ("summary", 3, _SINGLE, "Raw"))
    message("RawRecords", ("record", 1, _SINGLE, "RawRecord"))
    return described


def _message_class(descriptor: Any) -> Any:
    """Return the class of a message; protobuf 4.21 has another way than all later ones."""
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    factory: Any = message_factory.MessageFactory(descriptor.file.pool)
    return factory.GetPrototype(descriptor)


class Schema:
    """The parsers: each takes records as `join` puts them together; DecodeError where one is broken."""

    def __init__(self) -> None:
        described = _file()
        pool = descriptor_pool.DescriptorPool()
        pool.Add(described)
        # All classes are kept: protobuf before 4.25 lets the garbage collector take those of inner messages while
        # they are in use, and crashes.
        self._classes = {
            message.name: _message_class(pool.FindMessageTypeByName(f"log.{message.name}"))
            for message in described.message_type
        }
        self.flat: Callable[[bytes], Any] = self._classes["Flat"].FromString
        self.raw: Callable[[bytes], Any] = self._classes["RawRecords"].FromString

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
