"""Deterministic damage for fuzzing: the same seed and number always give the same file."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.evidence.disk.wandb_log.logfile import BLOCK, HEADER, LogWriter, history, item, message, summary

DATA = Path(__file__).parent / "data"


def seeds() -> list[bytes]:
    """The logs of all SDK versions, and one of several blocks."""
    found = [path.read_bytes() for path in sorted(DATA.glob("seed-*.wandb"))]
    stream = io.BytesIO()
    writer = LogWriter(stream)
    for step in range(700):
        cells = [item(["loss"], str(1 / (step + 1))), item(["_step"], str(step)), item(["d", "x"], "1")]
        writer.write(summary(2 * step + 1, cells))
        writer.write(history(2 * step + 2, cells, step))
    writer.write(message(b"\x92\x01", b""))
    return [*found, stream.getvalue()]


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """Apply one to five kinds of damage; more often than not the checksums are mended, so that it
    reaches the records."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 5)):
        chance.choice(_DAMAGE)(data, chance)
    if chance.random() < 0.6:
        mend(data)
    return bytes(data)


def mend(data: bytearray) -> None:
    """Make the checksums of all chunks right that are where chunks are expected."""
    position = len(HEADER)
    while position + 7 <= len(data):
        block_end = min(position // BLOCK * BLOCK + BLOCK, len(data))
        length = struct.unpack_from("<H", data, position + 4)[0]
        stop = position + 7 + length
        if stop > block_end:
            position = position // BLOCK * BLOCK + BLOCK
            continue
        struct.pack_into("<I", data, position, zlib.crc32(data[position + 6 : stop]))
        position = stop if stop + 7 <= position // BLOCK * BLOCK + BLOCK else position // BLOCK * BLOCK + BLOCK


def _place(data: bytearray, chance: random.Random) -> int:
    return chance.randrange(len(data)) if data else 0


def _flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _set(data: bytearray, chance: random.Random) -> None:
    if data:
        data[_place(data, chance)] = chance.choice([0, 1, 2, 3, 4, 0x0A, 0x12, 0x1A, 0x7F, 0x80, 0x82, 0xFF])


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _remove(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.randint(1, 300)]


def _insert(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start:start] = chance.randbytes(chance.randint(1, 60))


def _repeat(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    piece = data[start : start + chance.randint(1, 400)]
    data[start:start] = piece * chance.choice([1, 2, 30])


def _zeros(data: bytearray, chance: random.Random) -> None:
    start, size = _place(data, chance), chance.choice([1, 7, 100, 5000])
    data[start : start + size] = bytes(len(data[start : start + size]))


def _huge_length(data: bytearray, chance: random.Random) -> None:
    start = _place(data, chance)
    data[start : start + 5] = chance.choice([b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x07", b"\x80\x80\x80\x80\x80"])


def _value(data: bytearray, chance: random.Random) -> None:
    """Replace the JSON text of a value by an awkward one of the same length, keeping the record whole."""
    tag = data.find(b"\x82\x01", _place(data, chance))
    if 0 <= tag < len(data) - 3 and data[tag + 2] < 0x80:
        size = data[tag + 2]
        texts = [b"NaN", b"[[", b'{"a":', b"1e999", b"-0", b"true", b"null", b'"', b"1,2", b"9" * 40, b"\xff", b"\\u"]
        text = (chance.choice(texts) * 50)[:size]
        data[tag + 3 : tag + 3 + len(text)] = text


@cache
def _bombs() -> tuple[bytes, ...]:
    """Whole records that are made to be expensive."""
    found: list[bytes] = []
    for count in (100, 3000, 30_000):
        found += [
            history(1, [item(["a"] * count, "1")], 1),
            history(1, [item([f"k{number}"], "1") for number in range(count // 10)], 1),
            history(1, [message(b"\x0a", b"")] * count, 1),
            history(1, [item(["n"], "[" * count)], 1),
            history(1, [item(["o"], '{"a":' * (count // 5) + "1" + "}" * (count // 5))], 2**63 - 1),
            summary(1, [item(["s" * count], "1"), item(["_wandb"], "2")]),
            message(b"\x2a", message(b"\x0a", b"") * count),
            message(b"\x3a", message(b"\x1a", b"") * count),
        ]
    return tuple(found)


def _bomb(data: bytearray, chance: random.Random) -> None:
    stream = io.BytesIO()
    LogWriter(stream, b"").write(chance.choice(_bombs()))
    data += stream.getvalue()


_Damage = Callable[[bytearray, random.Random], None]
_DAMAGE: list[_Damage] = [
    _flip, _flip, _set, _set, _cut, _remove, _insert, _repeat, _zeros, _huge_length, _value, _value, _bomb,
]  # fmt: skip
