"""Tests of sorting records by their types, which are mostly told by a byte."""

from __future__ import annotations

import io

import pytest

from harness.evidence.disk.wandb_log.assembly import MIDDLE, Chunk, Problem, Records
from harness.evidence.disk.wandb_log.framing import SEGMENT_SIZE
from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.segment import decode, decode_segment
from tests.evidence.disk.wandb_log.logfile import LogWriter, history, item, message, summary, varint

SCHEMA = Schema()
# Lengths, and bytes of numbers, that are the tags of history and summary records themselves.
TAGS = (0x12, 0x1A)
NUMBERS = [
    *[tag << shift for tag in TAGS for shift in (0, 7, 14, 21, 28)],
    *[tag << shift | 0x80 for tag in TAGS for shift in (7, 14, 21)],
    0, 1, 127, 128, 2**14 - 1, 2**14, 2**21 - 1, 2**21, 2**28 - 1, 2**28, 2**62,
]  # fmt: skip


def contents(tag: bytes, number: int, size: int) -> bytes:
    """A record of one item whose own length is a tag, too."""
    inner = message(b"\x0a", message(b"\x12", b"k" * (size - 10)) + message(b"\x82\x01", b"1"))
    assert len(inner) == size - 2
    return (b"\x08" + varint(number) if number else b"") + message(tag, inner + b"\x50\0")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_record_of_any_number_is_told_by_its_type(number: int) -> None:
    for size in (*TAGS, 0x12 + 2, 0x1A + 2):
        rows = [contents(b"\x12", number, size)] * 2
        summaries = [contents(b"\x1a", number, size)] * 3
        others = [contents(b"\x92\x01", number, size)] * 4
        decoded = decode(Records(list(range(9)), [*rows, *summaries, *others]), SCHEMA)
        assert dict(decoded.counts) == {"history": 2, "summary": 3}
        assert [(at, kind) for at, kind, _ in decoded.rare] == [(at, "exit") for at in range(5, 9)]
        assert decoded.problems == []


def test_what_is_wrong_is_told_with_its_place() -> None:
    row, changed, end = history(1, [item(["a"], "1")], 0), summary(2, [item(["a"], "1")]), message(b"\x92\x01", b"")
    broken = [row[:-1], changed[:-1], b"\xff\xff", end[:-1], b""]
    payloads = [end, row, broken[0], changed, end, broken[1], broken[2], end, broken[3], broken[4], row]
    places = [10 * at for at in range(len(payloads))]
    decoded = decode(Records(places, payloads), SCHEMA)
    assert dict(decoded.counts) == {"history": 2, "summary": 1, "unknown": 1}
    assert [(at, kind) for at, kind, _ in decoded.rare] == [(0, "exit"), (40, "exit"), (70, "exit")]
    assert sorted((found.offset, found.skipped) for found in decoded.problems) == [
        (20, len(broken[0])), (50, len(broken[1])), (60, 2), (80, len(broken[3])),
    ]  # fmt: skip
    assert {found.what for found in decoded.problems} == {"undecodable_record"}
    assert all(isinstance(found, Problem) and found.detail for found in decoded.problems)


def test_a_segment_is_decoded_but_for_what_reaches_over_its_ends() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    row = history(1, [item(["a"], "1")], 0)
    for payload in (row, message(b"\xc2\x06", bytes(2 * SEGMENT_SIZE)), row, b"\xff", row):
        writer.write(payload)
    size = stream.tell()
    first, second, third = (decode_segment(stream, at, size, SCHEMA) for at in range(0, size, SEGMENT_SIZE))
    assert first is not None and second is not None and third is not None  # noqa: PT018
    assert (first.head, first.decoded.counts["history"]) == ([], 1)
    assert first.rest is not None
    assert first.rest.is_open
    assert (first.rest.records, first.rest.problems) == (Records(), [])
    assert (second.rest, second.decoded.counts["history"]) == (None, 0)
    assert {part.kind for part in second.head if isinstance(part, Chunk)} == {MIDDLE}
    assert third.rest is not None
    assert (third.decoded.counts["history"], len(third.decoded.problems)) == (2, 1)
    assert decode_segment(stream, 3 * SEGMENT_SIZE, 4 * SEGMENT_SIZE, SCHEMA) is None


def test_rows_without_a_step_count_on() -> None:
    unnamed = history(1, [item(["a"], "1")], None)
    assert decode(Records([0, 1], [unnamed] * 2), SCHEMA).columns.steps.tolist() == [0, 1]
