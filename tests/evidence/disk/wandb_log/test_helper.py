"""Tests of the process that helps to read a large log."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path

import pytest

from harness.evidence.disk.wandb_log.framing import SEGMENT_SIZE
from harness.evidence.disk.wandb_log.helper import Helper, HelperLostError, serve
from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.segment import Segment, decode_segment
from tests.evidence.disk.wandb_log.logfile import LogWriter, history, item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run-x.wandb"
    with path.open("wb") as stream:
        writer = LogWriter(stream)
        for step in range(4):
            writer.write(history(step + 1, [item(["text"], '"' + "x" * (SEGMENT_SIZE // 2) + '"')], step))
    return path


def steps(segment: Segment | None) -> list[int]:
    assert segment is not None
    return segment.decoded.columns.steps.tolist()


def decoded_here(path: Path) -> list[list[int]]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        return [steps(decode_segment(stream, at, size, Schema())) for at in range(0, size, SEGMENT_SIZE)]


def test_requests_are_answered_in_their_order(path: Path) -> None:
    size, answers = path.stat().st_size, io.BytesIO()
    offsets = [SEGMENT_SIZE, 0]
    serve(str(path), size, io.BytesIO(struct.pack("<2Q", *offsets)), answers)
    answers.seek(0)
    found = []
    while head := answers.read(8):
        found.append(steps(pickle.loads(answers.read(struct.unpack("<Q", head)[0]))))
    assert found == [decoded_here(path)[offset // SEGMENT_SIZE] for offset in offsets]
    assert sum(map(len, found)) > 0


def test_a_file_that_has_become_shorter_ends_the_answers(path: Path) -> None:
    answers = io.BytesIO()
    serve(str(path), 2**40, io.BytesIO(struct.pack("<2Q", 2**30, 0)), answers)
    assert answers.getvalue() == b""


def test_a_helper_is_asked_and_answers(path: Path) -> None:
    helper = Helper(path, path.stat().st_size)
    try:
        assert helper.answer(0) is None
        for offset in (SEGMENT_SIZE, 0):
            helper.ask(offset)
        assert [steps(helper.answer(60)) for _ in range(2)] == decoded_here(path)[1::-1]
        helper.ask(2**40)  # beyond the end: it gives up
        with pytest.raises(HelperLostError):
            helper.answer(60)
    finally:
        helper.close()
    assert helper._process.returncode is not None
    assert not helper._listener.is_alive()
    assert helper._process.stdin is not None
    assert helper._process.stdout is not None
    assert helper._process.stdin.closed
    assert helper._process.stdout.closed
