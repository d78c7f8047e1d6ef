"""Puts records together that lie in several chunks, and says which pieces are lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

CHUNK_HEADER_SIZE = 7
MAX_RECORD_BYTES = 32 * 1024 * 1024
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


class Problem(NamedTuple):
    """Bytes that could not be used; `torn` where the end of the file is the cause."""

    offset: int
    what: str
    skipped: int
    detail: str
    torn: bool = False


class Chunk(NamedTuple):
    """A chunk that is not a whole record."""

    offset: int
    kind: int
    payload: bytes


@dataclass
class Records:
    """Consecutive records: the offset of each one's first chunk, and its payload."""

    offsets: list[int] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)


class Assembler:
    """Puts records of several chunks together."""

    def __init__(self) -> None:
        """Begin with nothing; sizes are those of the chunks in the file, with their headers."""
        self.records = Records()
        self.problems: list[Problem] = []
        self._start: int | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._orphan_start = 0
        self._orphan_size = 0

    @property
    def is_open(self) -> bool:
        """Whether a record has begun and not ended."""
        return self._start is not None

    def take_over(self, other: Assembler) -> None:
        """Go on with the open record of the assembler of the bytes that precede."""
        self._start, self._parts, self._size = other._start, other._parts, other._size
        self._orphan_start, self._orphan_size = other._orphan_start, other._orphan_size

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        offset, kind, payload = chunk
        size = CHUNK_HEADER_SIZE + len(payload)
        if kind in (FULL, FIRST):
            self.drop_open()
            if kind == FULL:
                self.records.offsets.append(offset)
                self.records.payloads.append(payload)
            else:
                self._start, self._parts, self._size = offset, [payload], size
        elif kind not in (MIDDLE, LAST):
            self.problems.append(Problem(offset, "unknown_chunk_type", size, f"chunk type {kind}"))
        elif self._start is None:
            if not self._orphan_size:
                self._orphan_start = offset
            self._orphan_size += size
            if kind == LAST:
                self.drop_open()
        else:
            self._size += size
            if self._size <= MAX_RECORD_BYTES:
                self._parts.append(payload)
            if kind == LAST:
                self._finish(self._start)

    def add_problem(self, problem: Problem) -> None:
        """Take a bad place; a record that is open there is lost too."""
        if problem.torn and self._start is not None:
            problem = problem._replace(offset=self._start, skipped=problem.skipped + self._size)
            self._close()
        self.drop_open()
        self.problems.append(problem)

    def drop_open(self) -> None:
        """Give up what is open, since something else follows."""
        if self._start is not None:
            detail = "a record begins, and something else follows before its end"
            self.problems.append(Problem(self._start, "unfinished_record", self._size, detail))
            self._close()
        if self._orphan_size:
            detail = "the beginning of this record is lost"
            self.problems.append(Problem(self._orphan_start, "headless_record", self._orphan_size, detail))
            self._orphan_size = 0

    def end(self) -> None:
        """The file ends here."""
        if self._start is not None:
            detail = "the file ends inside this record"
            self.problems.append(Problem(self._start, "torn_tail", self._size, detail, torn=True))
            self._close()
        self.drop_open()

    def _finish(self, start: int) -> None:
        if self._size > MAX_RECORD_BYTES:
            detail = f"the record is larger than {MAX_RECORD_BYTES} bytes"
            self.problems.append(Problem(start, "record_too_large", self._size, detail))
        else:
            self.records.offsets.append(start)
            self.records.payloads.append(b"".join(self._parts))
        self._close()

    def _close(self) -> None:
        self._start, self._parts = None, []
