"""Tests of sharing the segments of a file with a helper, here one that answers in the same process."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import BinaryIO

import pytest

from harness.evidence.disk.wandb_log import segments
from harness.evidence.disk.wandb_log.framing import SEGMENT_SIZE
from harness.evidence.disk.wandb_log.helper import HelperLostError
from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.segment import Segment, decode_segment
from tests.evidence.disk.wandb_log.logfile import BLOCK, LogWriter, message

SCHEMA = Schema()
COUNT = 12


class Answering:
    """Answers at once; the ways to fail are those of a process."""

    patience = 0
    """How often nothing is there yet, before each answer."""
    dies_after = 10**9
    """How many answers it gives."""

    def __init__(self, path: Path, file_size: int) -> None:
        self.path = path
        self.file_size = file_size
        self.asked: deque[int] = deque()
        self.given = self.looked = 0
        self.closed = False

    def ask(self, offset: int) -> None:
        if self.given >= self.dies_after:
            raise HelperLostError
        self.asked.append(offset)
        assert len(self.asked) <= 4

    def answer(self, _: float) -> Segment | None:
        if self.given >= self.dies_after:
            raise HelperLostError
        self.looked += 1
        if not self.asked or self.looked <= self.patience:
            return None
        self.looked = 0
        self.given += 1
        with self.path.open("rb") as stream:
            return decode_segment(stream, self.asked.popleft(), self.file_size, SCHEMA)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run-x.wandb"
    with path.open("wb") as stream:
        writer = LogWriter(stream)
        for number in range(COUNT * SEGMENT_SIZE // BLOCK):  # one in each block
            writer.write(message(b"\x92\x01", b"\x50\0" * (BLOCK // 2 - (9 if number else 10))))
    return path


def places(path: Path, size: int, helper_from: int = 0) -> list[int]:
    """Where the records of all segments begin, in the order of the answers."""
    with path.open("rb") as stream:
        found = segments.stream_segments(path, stream, size, SCHEMA, helper_from=helper_from)
        return [at for segment in found for at, _, _ in segment.decoded.rare]


@pytest.mark.parametrize("ahead", [1, 3, 48])
@pytest.mark.parametrize("dies_after", [0, 1, 3, 10**9])
@pytest.mark.parametrize("patience", [0, 1, 5, 10**9])
def test_every_segment_comes_once_and_in_order(
    path: Path, monkeypatch: pytest.MonkeyPatch, patience: int, dies_after: int, ahead: int
) -> None:
    size = path.stat().st_size
    alone = places(path, size, helper_from=size + 1)
    assert len(alone) == COUNT * SEGMENT_SIZE // BLOCK
    helpers = []

    class Helping(Answering):
        def __init__(self, path: Path, file_size: int) -> None:
            super().__init__(path, file_size)
            helpers.append(self)

    Helping.patience, Helping.dies_after = patience, dies_after
    monkeypatch.setattr(segments, "Helper", Helping)
    monkeypatch.setattr(segments, "_AHEAD", ahead)
    here: list[int] = []

    def counted(stream: BinaryIO, offset: int, file_size: int, schema: Schema) -> Segment | None:
        here.append(offset)
        return decode_segment(stream, offset, file_size, schema)

    monkeypatch.setattr(segments, "decode_segment", counted)
    monkeypatch.setattr(segments.os, "sched_getaffinity", lambda _: {0, 1})
    assert places(path, size) == alone
    (helper,) = helpers
    assert helper.closed
    if not patience and dies_after > COUNT and ahead == 48:
        # Where the helper is quick, nobody decodes what the other has decoded.
        assert helper.given >= COUNT // 2
        assert helper.given + len(here) == -(-size // SEGMENT_SIZE)


def test_one_processor_needs_no_helper(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "Helper", None)  # calling it would fail
    monkeypatch.setattr(segments.os, "sched_getaffinity", lambda _: {0})
    assert len(places(path, SEGMENT_SIZE)) == SEGMENT_SIZE // BLOCK


@pytest.mark.parametrize("helped", [True, False])
def test_a_file_that_becomes_shorter_ends_early(path: Path, monkeypatch: pytest.MonkeyPatch, helped: bool) -> None:
    monkeypatch.setattr(segments, "Helper", Answering)
    monkeypatch.setattr(segments.os, "sched_getaffinity", lambda _: {0, 1} if helped else {0})
    before = path.stat().st_size
    whole = places(path, before)
    with path.open("r+b") as stream:
        stream.truncate(5 * SEGMENT_SIZE)
    assert places(path, before) == whole[: 5 * SEGMENT_SIZE // BLOCK]
