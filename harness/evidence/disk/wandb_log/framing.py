"""Splits a `.wandb` file into records: LevelDB log framing behind a 7-byte W&B header.

Layout (core/pkg/leveldb/record.go of wandb): `:W&B`, magic 0xBEE1, a version byte; then 32 KiB blocks, the
first one 7 bytes shorter. A block holds chunks: CRC-32 (IEEE, over type and payload), length, type
(1 full, 2 first, 3 middle, 4 last), payload. Where a chunk is bad, the rest of its block is given up, as the
SDK's own readers do it: what is skipped here is what `wandb sync` cannot send.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO
from zlib import crc32

from harness.evidence.disk.wandb_log.assembly import FIRST, FULL, Assembler, Chunk, Problem, Records

HEADER_SIZE = 7
HEADER = b":W&B\xe1\xbe\x00"
BLOCK_SIZE = 32 * 1024
# Enough blocks at a time for the bulk decoder to be quick, few enough for the processor's cache.
SEGMENT_SIZE = 16 * BLOCK_SIZE

_CHUNK_HEADER = Struct("<IHB")
# The checksum covers the type byte first: its part of the sum is known beforehand.
_CRC_OF_TYPE = tuple(crc32(bytes([kind])) for kind in range(256))
_CRC_OF_FULL = _CRC_OF_TYPE[FULL]


class Framed:
    """The chunks of a segment, a run of whole blocks, taken apart without knowing what precedes it."""

    def __init__(self, buffer: bytes, base: int, file_size: int) -> None:
        """Take the bytes `buffer` at offset `base`, a multiple of the block size."""
        # What belongs to a record that began in an earlier segment, if there is one.
        self.head: list[Chunk | Problem] = []
        # Whether the head is all there is, so that the record may go on in the next segment.
        self.head_only = True
        self.own = Assembler()
        self._buffer = buffer
        self._base = base
        self._file_size = file_size
        position = 0 if base else HEADER_SIZE
        for block in range(0, len(buffer), BLOCK_SIZE):
            self._take_block(block + position, min(block + BLOCK_SIZE, len(buffer)))
            position = 0

    def _take_block(self, position: int, end: int) -> None:
        buffer, base, unpack, checksums = self._buffer, self._base, _CHUNK_HEADER.unpack_from, _CRC_OF_TYPE
        own = self.own
        add_offset, add_payload = own.records.offsets.append, own.records.payloads.append
        last_header = end - HEADER_SIZE
        plain = not (self.head_only or own.is_open)
        while position <= last_header:
            checksum, length, kind = unpack(buffer, position)
            start = position + HEADER_SIZE
            stop = start + length
            payload = buffer[start:stop]
            if kind == FULL and plain and stop <= end and crc32(payload, _CRC_OF_FULL) == checksum:
                add_offset(base + position)
                add_payload(payload)
            elif stop > end or crc32(payload, checksums[kind]) != checksum:
                self._bad(self._bad_chunk(position, stop, end))
                return
            else:
                self._add(Chunk(base + position, kind, payload))
                plain = not (self.head_only or own.is_open)
            position = stop
        if position < end:
            self._end_of_block(position, end)

    def _add(self, chunk: Chunk) -> None:
        if self.head_only and chunk.kind not in (FULL, FIRST):
            self.head.append(chunk)
        else:
            self.head_only = False
            self.own.add(chunk)

    def _bad(self, problem: Problem) -> None:
        if self.head_only:
            self.head.append(problem)
        else:
            self.own.add_problem(problem)

    def _bad_chunk(self, position: int, stop: int, end: int) -> Problem:
        """Say what is wrong with the rest of a block, which is given up."""
        offset, skipped = self._base + position, end - position
        at_end_of_file = self._base + end >= self._file_size
        if self._buffer.count(b"\0", position, end) == skipped:
            return Problem(offset, "zero_filled", skipped, "only zeros up to the end of the block", at_end_of_file)
        block_end = position // BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE
        if end < stop <= block_end and at_end_of_file:
            # The length fits the block, but the file ends before the record does.
            return Problem(offset, "torn_tail", skipped, "the file ends inside this record", torn=True)
        what = "bad_length" if stop > end else "bad_checksum"
        return Problem(offset, what, skipped, "the rest of this 32 KiB block is given up")

    def _end_of_block(self, position: int, end: int) -> None:
        """Check the 1 to 6 bytes that are left: padding, or a chunk header that is cut off."""
        offset, rest = self._base + position, self._buffer[position:end]
        if end % BLOCK_SIZE:
            detail = "the file ends inside the header of this chunk"
            self._bad(Problem(offset, "torn_tail", len(rest), detail, torn=True))
        elif rest.strip(b"\0"):
            self._bad(Problem(offset, "bad_padding", len(rest), "the padding of this block is not zero"))


class Stitcher:
    """Joins segments, which come in the order of the file."""

    def __init__(self) -> None:
        self._open = Assembler()

    def join(self, head: list[Chunk | Problem], own: Assembler | None) -> tuple[Records, list[Problem]]:
        """Return the records and problems that lie across the beginning of a segment.

        Args:
            head: of the segment.
            own: the rest of the segment, None where the head is all.
        """
        joint = self._open
        for part in head:
            if isinstance(part, Chunk):
                joint.add(part)
            else:
                joint.add_problem(part)
        if own is not None:
            joint.drop_open()
        records, problems = joint.records, joint.problems
        self._open = Assembler()
        self._open.take_over(joint if own is None else own)
        return records, problems

    def end(self) -> list[Problem]:
        """Return the problems at the end of the file."""
        self._open.end()
        return self._open.problems


def read_segment(stream: BinaryIO, offset: int, file_size: int) -> Framed | None:
    """Read and split the segment at `offset`; None where the file has become shorter.

    Raises:
        OSError: the operating system cannot read it.
    """
    stream.seek(offset)
    size = min(SEGMENT_SIZE, file_size - offset)
    buffer = stream.read(size)
    return Framed(buffer, offset, file_size) if buffer else None


def iter_records(path: Path, problems: list[Problem] | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield (offset of its first chunk, serialized `Record`) for each readable record of a file.

    The file's header is not looked at: records are found behind it or not. What is skipped goes to
    `problems`.

    Raises:
        OSError: the file cannot be opened or read.
    """
    found = [] if problems is None else problems
    stitcher = Stitcher()
    with path.open("rb") as stream:
        file_size = stream.seek(0, 2)
        for offset in range(0, file_size, SEGMENT_SIZE):
            framed = read_segment(stream, offset, file_size)
            if framed is None:
                break
            joint, trouble = stitcher.join(framed.head, None if framed.head_only else framed.own)
            found.extend(trouble)
            yield from zip(joint.offsets, joint.payloads, strict=True)
            found.extend(framed.own.problems)
            yield from zip(framed.own.records.offsets, framed.own.records.payloads, strict=True)
    found.extend(stitcher.end())
