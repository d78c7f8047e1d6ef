"""Splits a `.wandb` file into records: LevelDB log framing behind a 7-byte W&B header.

Layout (core/pkg/leveldb/record.go of wandb): `:W&B`, magic 0xBEE1, a version byte; then 32 KiB blocks, the
first one 7 bytes shorter. A block holds chunks: CRC-32 (IEEE, over type and payload), length, type
(1 full, 2 first, 3 middle, 4 last), payload. Where a chunk is bad, the rest of its block is given up, as the
SDK's own readers do it: what is skipped here is what `wandb sync` cannot send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import BinaryIO
from zlib import crc32

from harness.evidence.wandb_log.models import LogProblem

HEADER_SIZE = 7
HEADER = b":W&B\xe1\xbe\x00"
BLOCK_SIZE = 32 * 1024
MAX_RECORD_BYTES = 32 * 1024 * 1024
MAX_PROBLEMS = 200
# Enough blocks at a time for the bulk decoder to be quick, few enough to stay small.
BATCH_BYTES = 32 * BLOCK_SIZE

_CHUNK_HEADER = Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# The checksum covers the type byte first: its part of the sum is known beforehand.
_CRC_OF_TYPE = tuple(crc32(bytes([kind])) for kind in range(256))


@dataclass
class Problems:
    """What went wrong while reading, bounded."""

    found: list[LogProblem] = field(default_factory=list)
    dropped: int = 0
    skipped_bytes: int = 0
    torn_at: int | None = None

    def add(self, offset: int, what: str, skipped: int, detail: str) -> None:
        """Note one problem; beyond `MAX_PROBLEMS` only count it."""
        self.skipped_bytes += skipped
        if len(self.found) < MAX_PROBLEMS:
            self.found.append(LogProblem(offset=offset, what=what, skipped_bytes=skipped, detail=detail))
        else:
            self.dropped += 1

    def torn(self, offset: int, skipped: int, detail: str) -> None:
        """Note that the file ends inside the record at `offset`."""
        self.torn_at = offset
        self.add(offset, "torn_tail", skipped, detail)


@dataclass
class Batch:
    """Consecutive records: their payloads, and the offset of each one's first chunk."""

    offsets: list[int] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)


class RecordReader:
    """Reads the records of one stream in batches; the header has been checked before."""

    def __init__(self, stream: BinaryIO, size: int, problems: Problems) -> None:
        self._stream = stream
        self._size = size
        self._problems = problems
        self._base = 0
        # The record being put together from several chunks.
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._start: int | None = None
        # Chunks of a lost record follow a bad block or precede the first good one.
        self._orphan_bytes = 0
        self._orphan_start = 0

    def batches(self) -> Iterator[Batch]:
        """Yield batches until `size` bytes are read; never raises for content.

        Raises:
            OSError: the operating system could not read on.
        """
        self._stream.seek(0)
        position = HEADER_SIZE
        while self._base < self._size:
            buffer = _read_fully(self._stream, min(BATCH_BYTES, self._size - self._base))
            if not buffer:
                break
            batch = Batch()
            for block in range(0, len(buffer), BLOCK_SIZE):
                end = min(block + BLOCK_SIZE, len(buffer))
                self._read_block(buffer, block + position, end, batch)
                position = 0
            self._base += len(buffer)
            yield batch
        self._finish()

    def _read_block(self, buffer: bytes, position: int, end: int, batch: Batch) -> None:
        """Take the chunks between `position` and `end`, both within `buffer`."""
        unpack, checksums, base = _CHUNK_HEADER.unpack_from, _CRC_OF_TYPE, self._base
        add_offset, add_payload = batch.offsets.append, batch.payloads.append
        last_header = end - HEADER_SIZE
        while position <= last_header:
            checksum, length, kind = unpack(buffer, position)
            start = position + HEADER_SIZE
            stop = start + length
            payload = buffer[start:stop]
            if stop > end or crc32(payload, checksums[kind]) != checksum:
                self._bad_chunk(buffer, position, stop, end)
                return
            if kind == _FULL and self._start is None:
                add_offset(base + position)
                add_payload(payload)
            else:
                self._add_chunk(kind, base + position, payload, batch)
            position = stop
        if position < end:
            self._end_of_block(buffer, position, end)

    def _add_chunk(self, kind: int, offset: int, payload: bytes, batch: Batch) -> None:
        """Put a record of several chunks together, or say why that fails."""
        if kind in (_FULL, _FIRST):
            self._drop_unfinished()
            self._flush_orphans()
            if kind == _FULL:
                batch.offsets.append(offset)
                batch.payloads.append(payload)
                return
            self._start, self._parts, self._parts_size = offset, [payload], len(payload)
        elif kind not in (_MIDDLE, _LAST):
            self._problems.add(offset, "unknown_chunk_type", HEADER_SIZE + len(payload), f"chunk type {kind}")
        elif self._start is None:
            if not self._orphan_bytes:
                self._orphan_start = offset
            self._orphan_bytes += HEADER_SIZE + len(payload)
            if kind == _LAST:
                self._flush_orphans()
        else:
            self._parts_size += len(payload)
            if self._parts_size <= MAX_RECORD_BYTES:
                self._parts.append(payload)
            if kind == _LAST:
                self._finish_record(batch)

    def _finish_record(self, batch: Batch) -> None:
        start = self._start if self._start is not None else 0
        if self._parts_size > MAX_RECORD_BYTES:
            detail = f"the record is larger than {MAX_RECORD_BYTES} bytes"
            self._problems.add(start, "record_too_large", self._parts_size, detail)
        else:
            batch.offsets.append(start)
            batch.payloads.append(b"".join(self._parts))
        self._start, self._parts = None, []

    def _drop_unfinished(self) -> None:
        if self._start is not None:
            detail = "a record begins, and another one follows before its end"
            self._problems.add(self._start, "unfinished_record", self._parts_size, detail)
            self._start, self._parts = None, []

    def _flush_orphans(self) -> None:
        if self._orphan_bytes:
            detail = "the beginning of this record is lost"
            self._problems.add(self._orphan_start, "headless_record", self._orphan_bytes, detail)
            self._orphan_bytes = 0

    def _bad_chunk(self, buffer: bytes, position: int, stop: int, end: int) -> None:
        """Give up the rest of the block, saying what is there."""
        offset, skipped = self._base + position, end - position
        at_end_of_file = self._base + end >= self._size
        if buffer.count(b"\0", position, end) == skipped:
            self._drop_unfinished()
            if at_end_of_file:
                self._problems.torn_at = offset
            self._problems.add(offset, "zero_filled", skipped, "only zeros up to the end of the block")
            return
        block_end = position // BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE
        if end < stop <= block_end and at_end_of_file:
            # The length fits the block, but the file ends before the record does.
            self._torn(offset, skipped, "the file ends inside this record")
            return
        self._drop_unfinished()
        what = "bad_length" if stop > end else "bad_checksum"
        self._problems.add(offset, what, skipped, "the rest of this 32 KiB block is given up")

    def _end_of_block(self, buffer: bytes, position: int, end: int) -> None:
        """Check the 1 to 6 bytes that are left: padding, or a cut off chunk header."""
        offset, rest = self._base + position, buffer[position:end]
        if end % BLOCK_SIZE:
            self._torn(offset, len(rest), "the file ends inside the header of this chunk")
        elif rest.strip(b"\0"):
            self._problems.add(offset, "bad_padding", len(rest), "the padding of this block is not zero")

    def _torn(self, offset: int, skipped: int, detail: str) -> None:
        """Note that the file ends inside a record, which may have begun in an earlier chunk."""
        if self._start is not None:
            offset, skipped = self._start, skipped + self._parts_size
            self._start, self._parts = None, []
        self._problems.torn(offset, skipped, detail)

    def _finish(self) -> None:
        self._flush_orphans()
        if self._start is not None:
            self._torn(self._start, 0, "the file ends inside this record")


def _read_fully(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the stream."""
    buffer = stream.read(size)
    while buffer and len(buffer) < size:
        more = stream.read(size - len(buffer))
        if not more:
            break
        buffer += more
    return buffer


def iter_records(path: Path, problems: Problems | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield (offset of its first chunk, serialized `Record`) for each readable record of a file.

    A wrong file header is not looked at here: records are found behind it or not.

    Raises:
        OSError: the file cannot be opened or read.
    """
    found = Problems() if problems is None else problems
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        for batch in RecordReader(stream, size, found).batches():
            yield from zip(batch.offsets, batch.payloads, strict=True)
