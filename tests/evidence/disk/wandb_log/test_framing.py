"""Tests of the LevelDB log framing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.disk.wandb_log import assembly
from harness.evidence.disk.wandb_log.assembly import Problem
from harness.evidence.disk.wandb_log.framing import SEGMENT_SIZE, iter_records, read_segment
from tests.evidence.disk.wandb_log.logfile import BLOCK, LogWriter


def framed(payloads: list[bytes]) -> bytes:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    for payload in payloads:
        writer.write(payload)
    return stream.getvalue()


def records_of(tmp_path: Path, data: bytes) -> tuple[list[bytes], list[Problem]]:
    path = tmp_path / "run.wandb"
    path.write_bytes(data)
    problems: list[Problem] = []
    found = list(iter_records(path, problems))
    for offset, _ in found:
        assert data[offset + 6] in (1, 2)
    return [payload for _, payload in found], problems


def size(index: int) -> bytes:
    return bytes([index % 251]) * (index * 7919 % 3000)


@given(st.lists(st.integers(0, 3 * BLOCK), max_size=12))
def test_records_of_any_size_come_back(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    payloads = [bytes([index]) * length for index, length in enumerate(sizes)]
    found, problems = records_of(tmp_path_factory.mktemp("log"), framed(payloads))
    assert found == payloads
    assert problems == []


@pytest.mark.parametrize("left", range(16))
def test_the_end_of_a_block_is_padded_or_filled(tmp_path: Path, left: int) -> None:
    # `left` bytes remain in the first block after the first record.
    payloads = [b"a" * (BLOCK - 7 - 7 - left), b"b" * 20, b"c"]
    found, problems = records_of(tmp_path, framed(payloads))
    assert found == payloads
    assert problems == []


def test_records_reach_over_segments(tmp_path: Path) -> None:
    payloads = [size(index) for index in range(1200)] + [b"x" * (2 * SEGMENT_SIZE + 5), b"end"]
    data = framed(payloads)
    assert len(data) > 4 * SEGMENT_SIZE
    found, problems = records_of(tmp_path, data)
    assert found == payloads
    assert problems == []


def test_a_flipped_bit_in_a_record_that_fills_its_block_is_no_wrong_length(tmp_path: Path) -> None:
    data = bytearray(framed([b"a" * (BLOCK - 7 - 7), b"b"]))
    data[100] ^= 1
    found, problems = records_of(tmp_path, bytes(data))
    assert found == [b"b"]
    assert [problem.what for problem in problems] == ["bad_checksum"]


def test_a_flipped_bit_costs_the_rest_of_its_block(tmp_path: Path) -> None:
    payloads = [b"%04d" % index + b"." * 96 for index in range(2000)]
    data = bytearray(framed(payloads))
    at = data.index(b"0700")
    data[at] ^= 1
    found, problems = records_of(tmp_path, bytes(data))
    first_lost = problems[0].offset
    assert problems[0].what == "bad_checksum"
    assert first_lost == at - 7
    assert (first_lost + problems[0].skipped) % BLOCK == 0
    assert [problem.what for problem in problems[1:]] in ([], ["headless_record"])
    assert found == [payload for payload in payloads if payload in found]
    assert found[:700] == payloads[:700]
    assert found[-1] == payloads[-1]
    lost = (problems[0].skipped - 1) // 107 + 1
    assert len(payloads) - len(found) == pytest.approx(lost, abs=1)


@pytest.mark.parametrize("blocks", [0, 1, 2, 17])
@pytest.mark.parametrize("lost", [1, 4, 10, 11])
def test_a_torn_record_is_named_by_its_offset(tmp_path: Path, blocks: int, lost: int) -> None:
    before = [b"a" * (BLOCK - 14), *[b"b" * (BLOCK - 7)] * (blocks - 1)][:blocks]
    data = framed([*before, b"torn apart"])
    found, problems = records_of(tmp_path, data[:-lost])
    assert found == before
    at = blocks * BLOCK or 7
    detail = "the file ends inside this record" if lost <= 10 else "the file ends inside the header of this chunk"
    assert problems == [Problem(at, "torn_tail", 17 - lost, detail, torn=True)]


@pytest.mark.parametrize("size", [BLOCK, 3 * BLOCK, SEGMENT_SIZE, 2 * SEGMENT_SIZE + 9])
@pytest.mark.parametrize("lost", [1, 20, BLOCK // 2, BLOCK - 100])
def test_a_record_of_many_chunks_is_torn_from_its_first_one(tmp_path: Path, size: int, lost: int) -> None:
    data = framed([b"whole", b"x" * size])[:-lost]
    found, problems = records_of(tmp_path, data)
    assert found == [b"whole"]
    assert [(problem.offset, problem.what, problem.torn) for problem in problems] == [(19, "torn_tail", True)]
    assert problems[0].skipped == len(data) - 19


def test_a_flipped_bit_in_the_last_record_is_no_tear(tmp_path: Path) -> None:
    data = bytearray(framed([b"whole", b"last"]))
    data[-1] ^= 1
    found, problems = records_of(tmp_path, bytes(data))
    assert found == [b"whole"]
    assert [(problem.what, problem.skipped, problem.torn) for problem in problems] == [("bad_checksum", 11, False)]


def test_a_record_that_is_never_finished_gives_nothing_to_a_later_end(tmp_path: Path) -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    for kind, payload in ((1, b"one"), (2, b"begun"), (1, b"two"), (4, b"end"), (1, b"three")):
        writer._chunk(kind, payload)
    found, problems = records_of(tmp_path, stream.getvalue())
    assert found == [b"one", b"two", b"three"]
    assert [(problem.offset, problem.what, problem.skipped) for problem in problems] == [
        (17, "unfinished_record", 12),
        (39, "headless_record", 10),
    ]


def test_a_record_that_is_too_large_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_RECORD_BYTES", 3 * BLOCK)
    # What counts is its room in the file: four chunks, each with a header of seven bytes.
    fits, large = b"x" * (3 * BLOCK - 4 * 7), b"y" * (3 * BLOCK - 4 * 7 + 1)
    for payload, kept in ((fits, True), (large, False)):
        found, problems = records_of(tmp_path, framed([b"one", payload, b"two"]))
        assert found == ([b"one", payload, b"two"] if kept else [b"one", b"two"])
        assert [(problem.offset, problem.what, problem.skipped) for problem in problems] == (
            [] if kept else [(17, "record_too_large", 3 * BLOCK + 1)]
        )


def test_what_is_written_while_the_log_is_read_is_left_for_the_next_time() -> None:
    data = framed([b"one", b"two"])
    stream = io.BytesIO(data + framed([b"three"])[7:])
    part = read_segment(stream, 0, len(data))
    assert part is not None
    assert part.own.records.payloads == [b"one", b"two"]
    blocks = framed([b"a" * (BLOCK - 14), *[b"b" * (BLOCK - 7)] * (SEGMENT_SIZE // BLOCK)])
    later = read_segment(io.BytesIO(blocks + framed([b"new"])[7:]), SEGMENT_SIZE, len(blocks))
    assert later is not None
    assert [len(payload) for payload in later.own.records.payloads] == [BLOCK - 7]
    assert read_segment(io.BytesIO(data), SEGMENT_SIZE, 2 * SEGMENT_SIZE) is None


def test_a_torn_chunk_header(tmp_path: Path) -> None:
    data = framed([b"whole", b"torn"])
    found, problems = records_of(tmp_path, data[: -4 - 3])
    assert found == [b"whole"]
    assert [(problem.offset, problem.what, problem.skipped, problem.torn) for problem in problems] == [
        (19, "torn_tail", 4, True)
    ]


@pytest.mark.parametrize("blocks", [1, 2, 16, 17])
def test_a_file_that_ends_with_a_block_inside_a_record(tmp_path: Path, blocks: int) -> None:
    data = framed([b"whole", b"x" * (18 * BLOCK)])
    found, problems = records_of(tmp_path, data[: blocks * BLOCK])
    assert found == [b"whole"]
    assert [(problem.offset, problem.what, problem.torn) for problem in problems] == [(19, "torn_tail", True)]


def test_zeros_at_the_end(tmp_path: Path) -> None:
    found, problems = records_of(tmp_path, framed([b"whole"]) + bytes(500))
    assert found == [b"whole"]
    assert [(problem.offset, problem.what, problem.skipped, problem.torn) for problem in problems] == [
        (19, "zero_filled", 500, True)
    ]


def test_a_hole_of_zeros(tmp_path: Path) -> None:
    payloads = [b"%04d" % index + b"." * 996 for index in range(200)]
    data = bytearray(framed(payloads))
    data[BLOCK : 3 * BLOCK] = bytes(2 * BLOCK)
    found, problems = records_of(tmp_path, bytes(data))
    assert [problem.what for problem in problems] == [
        "unfinished_record",
        "zero_filled",
        "zero_filled",
        "headless_record",
    ]
    assert found[0] == payloads[0]
    assert found[-1] == payloads[-1]


def test_a_huge_length_is_no_reason_to_read_on(tmp_path: Path) -> None:
    data = bytearray(framed([b"a" * 50, b"b" * 50]))
    data[7 + 57 + 4 : 7 + 57 + 6] = b"\xff\xff"
    found, problems = records_of(tmp_path, bytes(data))
    assert found == [b"a" * 50]
    assert [problem.what for problem in problems] == ["bad_length"]


def test_an_unknown_chunk_type_is_passed_over(tmp_path: Path) -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    writer.write(b"first")
    writer._chunk(9, b"from the future")
    writer.write(b"last")
    found, problems = records_of(tmp_path, stream.getvalue())
    assert found == [b"first", b"last"]
    assert problems == [Problem(19, "unknown_chunk_type", 22, "chunk type 9")]


def test_pieces_without_a_beginning_or_an_end(tmp_path: Path) -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    for kind, payload in ((3, b"middle"), (4, b"last"), (2, b"first"), (1, b"whole"), (2, b"a"), (3, b"b"), (4, b"c")):
        writer._chunk(kind, payload)
    found, problems = records_of(tmp_path, stream.getvalue())
    assert found == [b"whole", b"abc"]
    assert [(problem.what, problem.skipped) for problem in problems] == [
        ("headless_record", 24),
        ("unfinished_record", 12),
    ]
    assert [problem.offset for problem in problems] == [7, 31]


def test_padding_that_is_not_zero(tmp_path: Path) -> None:
    data = bytearray(framed([b"a" * (BLOCK - 7 - 7 - 3), b"b"]))
    data[BLOCK - 1] = 7
    found, problems = records_of(tmp_path, bytes(data))
    assert [len(payload) for payload in found] == [BLOCK - 17, 1]
    assert [(problem.offset, problem.what, problem.skipped) for problem in problems] == [(BLOCK - 3, "bad_padding", 3)]


def test_a_segment_of_whole_records_says_that_the_one_before_it_was_cut_short(tmp_path: Path) -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    for _ in range(SEGMENT_SIZE // BLOCK - 1):
        writer.write(b"a" * (BLOCK - 7 - (7 if stream.tell() == 7 else 0)))
    writer.write(b"b" * BLOCK)
    beginning = stream.getvalue()[:SEGMENT_SIZE]
    whole = framed([b"c"])[7:]
    found, problems = records_of(tmp_path, beginning + whole)
    assert found[-1] == b"c"
    assert [problem.what for problem in problems] == ["unfinished_record"]
