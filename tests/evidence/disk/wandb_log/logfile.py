"""Writes `.wandb` files for tests: the SDK's framing, and records put together by hand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 32 * 1024


class LogWriter:
    """Frames records as wandb-core does it."""

    def __init__(self, stream: BinaryIO, header: bytes = HEADER) -> None:
        self._stream = stream
        self._stream.write(header)
        self._offset = len(header)

    def write(self, payload: bytes) -> None:
        room = BLOCK - self._offset % BLOCK
        if room < 7:
            self._put(bytes(room))
            room = BLOCK
        if len(payload) + 7 <= room:
            self._chunk(1, payload)
            return
        self._chunk(2, payload[: room - 7])
        rest = payload[room - 7 :]
        while len(rest) > BLOCK - 7:
            self._chunk(3, rest[: BLOCK - 7])
            rest = rest[BLOCK - 7 :]
        self._chunk(4, rest)

    def _chunk(self, kind: int, data: bytes) -> None:
        typed = bytes([kind]) + data
        self._put(struct.pack("<IH", zlib.crc32(typed), len(data)) + typed)

    def _put(self, data: bytes) -> None:
        self._stream.write(data)
        self._offset += len(data)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


def item(path: Iterable[str], value_json: str, *, nested: bool = True) -> bytes:
    key = b"".join(message(b"\x12" if nested else b"\x0a", part.encode()) for part in path)
    return message(b"\x0a", key + message(b"\x82\x01", value_json.encode()))


def history(num: int, items: Iterable[bytes], step: int | None) -> bytes:
    """A history record; `num` 0 leaves the number out, as old SDKs do."""
    content = b"".join(items)
    if step is not None:
        content += message(b"\x12", b"\x08" + varint(step & 2**64 - 1) if step else b"")
    return (b"\x08" + varint(num) if num else b"") + message(b"\x12", content)


def summary(num: int, items: Iterable[bytes]) -> bytes:
    return b"\x08" + varint(num) + message(b"\x1a", b"".join(items))
