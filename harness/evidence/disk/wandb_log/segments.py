"""Yields the decoded segments of a file in order; large files are shared with a helper process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from harness.evidence.disk.wandb_log.framing import SEGMENT_SIZE
from harness.evidence.disk.wandb_log.helper import Helper, HelperLostError
from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.segment import Segment, decode_segment

# How many requests the helper has at a time, and how far decoding may run ahead, which bounds memory.
_REQUESTS = 4
_AHEAD = 48
_PATIENCE_S = 0.05


def stream_segments(
    path: Path, stream: BinaryIO, file_size: int, schema: Schema, *, helper_from: int
) -> Iterator[Segment]:
    """Yield the segments, ending early where the file has become shorter.

    Args:
        path: the file, for the helper.
        stream: the file, open.
        file_size: how much of it to read, bytes.
        schema: the bulk parsers.
        helper_from: from which size on a second process helps, bytes.

    Raises:
        OSError: the file cannot be read.
    """
    if file_size >= helper_from and len(os.sched_getaffinity(0)) > 1:
        yield from _Shared(path, stream, file_size, schema).segments()
        return
    for offset in range(0, file_size, SEGMENT_SIZE):
        segment = decode_segment(stream, offset, file_size, schema)
        if segment is None:
            return
        yield segment


class _Shared:
    """Decodes with a helper: each takes the next segment that nobody has begun."""

    def __init__(self, path: Path, stream: BinaryIO, file_size: int, schema: Schema) -> None:
        self._stream = stream
        self._file_size = file_size
        self._schema = schema
        self._next = 0
        self._due = 0
        self._done: dict[int, Segment | None] = {}
        self._asked: deque[int] = deque()
        self._helper: Helper | None = None
        self._path = path

    def segments(self) -> Iterator[Segment]:
        try:
            self._helper = Helper(self._path, self._file_size)
        except OSError:
            self._helper = None
        try:
            while self._due < self._file_size:
                self._work()
                while self._due in self._done:
                    segment = self._done.pop(self._due)
                    if segment is None:
                        return
                    self._due += SEGMENT_SIZE
                    yield segment
        finally:
            if self._helper is not None:
                self._helper.close()

    def _work(self) -> None:
        """Keep the helper busy, take its answers, and decode a segment here."""
        limit = min(self._file_size, self._due + _AHEAD * SEGMENT_SIZE)
        if self._helper is not None:
            try:
                self._ask(self._helper, limit)
                self._take(self._helper, _PATIENCE_S if self._next >= limit else 0)
            except HelperLostError:
                self._helper.close()
                self._helper = None
        if self._due in self._done:
            return
        if self._next >= limit:
            # The helper is slow, or gone: its segment is done here, and its answer dropped when it comes.
            self._decode(self._due)
        else:
            self._next += SEGMENT_SIZE
            self._decode(self._next - SEGMENT_SIZE)

    def _ask(self, helper: Helper, limit: int) -> None:
        while len(self._asked) < _REQUESTS and self._next < limit:
            helper.ask(self._next)
            self._asked.append(self._next)
            self._next += SEGMENT_SIZE

    def _take(self, helper: Helper, wait_s: float) -> None:
        """Take all answers that are there; wait for the one that is due."""
        while self._asked:
            answer = helper.answer(wait_s if self._due not in self._done else 0)
            if answer is None:
                return
            offset = self._asked.popleft()
            if offset >= self._due:
                self._done[offset] = answer

    def _decode(self, offset: int) -> None:
        self._done[offset] = decode_segment(self._stream, offset, self._file_size, self._schema)
