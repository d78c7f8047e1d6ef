"""Tests of reading whole files: states of the file, damage, bounds, and the help of a second process."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from harness.evidence.disk.wandb_log import reader, segments
from harness.evidence.disk.wandb_log.framing import SEGMENT_SIZE
from harness.evidence.disk.wandb_log.helper import HelperLostError
from harness.evidence.disk.wandb_log.reader import read_wandb_log
from harness.evidence.models.wandb_log import LocalEnvironment, LocalLog, RunFacts
from tests.evidence.disk.wandb_log.logfile import BLOCK, HEADER, LogWriter, history, item, message, summary

SEED = Path(__file__).parent / "data" / "seed-0.31.0.wandb"
EXIT = message(b"\x92\x01", b"\x08\x03")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run-x.wandb"


def write_steps(path: Path, count: int, keys: int = 1) -> None:
    numbers = random.Random(3)
    with path.open("wb") as stream:
        writer = LogWriter(stream)
        for step in range(count):
            cells = [(f"k{key}", repr(numbers.random())) for key in range(keys)]
            cells += [("_step", str(step)), ("_timestamp", repr(1e9 + step))]
            if step % 7 == 3:
                cells.append(("val", str(step)))
            writer.write(summary(2 * step + 1, [item([key], value) for key, value in cells]))
            writer.write(history(2 * step + 2, [item([key], value) for key, value in cells], step))
        writer.write(EXIT)


def test_no_file(path: Path) -> None:
    log = read_wandb_log(path)
    assert (log.status, log.error) == ("missing", "No such file or directory")
    told = (
        log.model_dump(exclude={"path", "status", "error"}) | RunFacts().model_dump() | LocalEnvironment().model_dump()
    )
    assert {name for name, value in told.items() if value} == set()


def test_what_cannot_be_a_log(tmp_path: Path, path: Path) -> None:
    assert read_wandb_log(tmp_path).status == "unreadable"
    os.mkfifo(path)
    assert read_wandb_log(path).error == "not a regular file"
    assert read_wandb_log(Path("a\0b")).status == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(path: Path) -> None:
    path.write_bytes(HEADER)
    path.chmod(0)
    assert read_wandb_log(path).status == "unreadable"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", "empty"),
        (HEADER, "header_only"),
        (HEADER[:3], "torn"),
        (b"PK", "not_a_wandb_file"),
        (b"#!/bin/bash -l\n" * 9000, "not_a_wandb_file"),
        (bytes(100_000), "not_a_wandb_file"),
        (HEADER + bytes(100_000), "damaged"),
        (HEADER + b"\xff" * 100, "damaged"),
    ],
)
def test_the_state_of_a_file_without_records(path: Path, data: bytes, status: str) -> None:
    path.write_bytes(data)
    log = read_wandb_log(path)
    assert (log.status, log.size_bytes, log.records) == (status, len(data), {})


def test_a_header_that_is_cut_or_of_something_else(path: Path) -> None:
    path.write_bytes(HEADER[:3])
    (cut,) = read_wandb_log(path).problems
    assert (cut.offset, cut.what, cut.skipped_bytes, read_wandb_log(path).torn_at) == (0, "torn_tail", 3, 0)
    path.write_bytes(b"PK")
    (other,) = read_wandb_log(path).problems
    assert (other.offset, other.what, other.skipped_bytes) == (0, "bad_header", 2)
    assert read_wandb_log(path).torn_at is None


def test_a_file_that_the_system_refuses_to_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(HEADER)

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", refuse)
    log = read_wandb_log(path)
    assert (log.status, log.size_bytes, log.error) == ("unreadable", 7, "[Errno 5] Input/output error")


def test_every_row_of_several_segments_is_read(path: Path) -> None:
    write_steps(path, 4000)
    log = read_wandb_log(path)
    assert path.stat().st_size > SEGMENT_SIZE
    assert log.records == {"history": 4000, "summary": 4000, "exit": 1}
    assert (log.history_rows, log.first_step, log.last_step) == (4000, 0, 3999)
    assert (log.repeated_steps, log.backward_steps) == (0, 0)
    assert (log.summary["_step"], log.summary["val"]) == (3999, 3993)
    assert (log.series["k0"].count, log.series["val"].count) == (4000, 571)


@pytest.mark.parametrize("room", [0, 1])
def test_a_rare_record_that_is_large_or_broken_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(reader, "_MAX_PARSED_BYTES", 50)
    large = message(b"\x22", message(b"\x12", b"x" * (46 + room)))  # console output, of 50 bytes and of 51
    with path.open("wb") as stream:
        writer = LogWriter(stream)
        for payload in (EXIT, large, message(b"\x8a\x01", b"\x0a\x05ab")):
            writer.write(payload)
    log = read_wandb_log(path)
    assert (log.status, log.exit_code) == ("damaged", 3)
    wanted = [(19, "record_too_large", 51)] if room else []
    assert [(found.offset, found.what, found.skipped_bytes) for found in log.problems] == [
        *wanted,
        (7 + 12 + 57 + room, "undecodable_record", 7),
    ]
    assert log.records == ({"exit": 1} if room else {"exit": 1, "output": 1})


def test_rows_in_front_of_a_row_that_cannot_be_decoded(path: Path) -> None:
    with path.open("wb") as stream:
        writer = LogWriter(stream)
        for step in range(3):
            writer.write(history(step + 1, [item(["_step"], str(step))], step))
        writer.write(message(b"\x12", message(b"\x0a", b"\x12\x05ab")))
        writer.write(history(5, [item(["_step"], "4")], 4))
    log = read_wandb_log(path)
    assert (log.status, log.history_rows, log.rows_before_damage) == ("damaged", 4, 3)


def test_a_log_without_an_exit_record(path: Path) -> None:
    write_steps(path, 5)
    path.write_bytes(path.read_bytes()[: -len(EXIT) - 7])
    log = read_wandb_log(path)
    assert (log.status, log.history_rows, log.problems) == ("no_exit_record", 5, ())


def test_the_exit_code(path: Path) -> None:
    write_steps(path, 5)
    log = read_wandb_log(path)
    assert (log.status, log.exit_code) == ("complete", 3)


@pytest.mark.parametrize("cut", range(8, 8223, 173))
def test_a_torn_log_keeps_all_before_the_tear(path: Path, cut: int) -> None:
    path.write_bytes(SEED.read_bytes()[:cut])
    log = read_wandb_log(path)
    assert log.status in ("torn", "no_exit_record")
    assert log.skipped_bytes == (0 if log.torn_at is None else cut - log.torn_at)
    assert (log.torn_at is None) == (log.status == "no_exit_record")
    assert not log.has_exit
    assert not any(series.backward_steps for series in log.series.values())


@pytest.mark.parametrize("bit", range(0, 8 * 8223, 1201))
def test_a_flipped_bit_is_found_wherever_it_is(path: Path, bit: int) -> None:
    data = bytearray(SEED.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    log = read_wandb_log(path)
    assert log.status in ("damaged", "torn")
    assert log.problems[0].offset <= bit // 8
    assert log.problems[0].offset + log.problems[0].skipped_bytes > bit // 8


@pytest.mark.parametrize(("at", "what"), [(0, "bad_header"), (6, "unsupported_version")])
def test_a_spoiled_header_does_not_hide_the_records(path: Path, at: int, what: str) -> None:
    data = bytearray(SEED.read_bytes())
    data[at] = 9
    path.write_bytes(data)
    log = read_wandb_log(path)
    assert (log.status, log.history_rows, log.has_exit) == ("damaged", 13, True)
    assert [problem.what for problem in log.problems] == [what]


def test_a_bad_block_in_the_middle(path: Path) -> None:
    write_steps(path, 3000)
    data = bytearray(path.read_bytes())
    data[4 * BLOCK + 1000] ^= 0xFF
    path.write_bytes(data)
    log = read_wandb_log(path)
    assert (log.status, log.last_step, log.has_exit) == ("damaged", 2999, True)
    assert 2700 < log.history_rows < 3000
    assert 0 < log.skipped_bytes <= 2 * BLOCK
    assert not log.series["k0"].backward_steps


def test_records_that_are_no_protobuf(path: Path) -> None:
    with path.open("wb") as stream:
        writer = LogWriter(stream)
        for payload in (b"\xff\xff", b"", b"\x8a\x01\x05ab", b"\x12\x05\x0a", b"\x1a\x7f", b"\x08\x01", EXIT):
            writer.write(payload)
    log = read_wandb_log(path)
    assert (log.status, log.exit_code) == ("damaged", 3)
    assert {problem.what for problem in log.problems} == {"undecodable_record"}
    assert log.records == {"exit": 1, "unknown": 2}
    assert [problem.offset for problem in log.problems] == sorted(problem.offset for problem in log.problems)


def test_a_file_that_grows_is_read_up_to_its_size_at_the_start(path: Path) -> None:
    write_steps(path, 50)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    half = read_wandb_log(path)
    path.write_bytes(data)
    whole = read_wandb_log(path)
    assert half.status == "torn"
    assert 0 < half.history_rows < whole.history_rows == 50


def test_the_number_of_metrics_is_bounded(path: Path) -> None:
    write_steps(path, 3, keys=30)
    log = read_wandb_log(path, max_keys=10)
    assert (len(log.series), log.series_dropped) == (10, 20)


def test_the_number_of_problems_is_bounded(path: Path) -> None:
    path.write_bytes(SEED.read_bytes() + b"\xff" * (BLOCK * 400))
    log = read_wandb_log(path)
    assert (log.status, len(log.problems)) == ("damaged", 200)
    assert log.problems_dropped == 201
    assert log.skipped_bytes == BLOCK * 400


def same(one: LocalLog, other: LocalLog) -> bool:
    return one.model_dump() == other.model_dump()


@pytest.mark.parametrize("damage", [False, True])
def test_two_processes_read_the_same_as_one(path: Path, damage: bool) -> None:
    write_steps(path, 12_000)
    if damage:
        data = bytearray(path.read_bytes())
        for at in range(300_000, len(data), 700_001):
            data[at] ^= 1
        path.write_bytes(data[:-30])
    alone, helped = read_wandb_log(path), read_wandb_log(path, helper_from=0)
    assert same(alone, helped)
    assert alone.history_rows > 6000
    assert alone.status == ("damaged" if damage else "complete")


def test_a_helper_that_dies_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_steps(path, 12_000)
    expected = read_wandb_log(path)
    ask = segments.Helper.ask
    asked: list[int] = []

    def dying(self: segments.Helper, offset: int) -> None:
        asked.append(offset)
        if len(asked) == 3:
            self._process.kill()
            self._process.wait()
        ask(self, offset)

    monkeypatch.setattr(segments.Helper, "ask", dying)
    assert same(read_wandb_log(path, helper_from=0), expected)
    assert len(asked) >= 3


@pytest.mark.parametrize("error", [OSError("no process"), HelperLostError()])
def test_no_helper_can_be_had(path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    write_steps(path, 6_000)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(segments.Helper, "__init__" if isinstance(error, OSError) else "ask", refuse)
    assert same(read_wandb_log(path, helper_from=0), read_wandb_log(path))


def test_rows_in_front_of_the_first_damage_are_counted(path: Path) -> None:
    write_steps(path, 3000)
    assert read_wandb_log(path).rows_before_damage is None
    data = bytearray(path.read_bytes())
    for place in (len(data) // 3, len(data) // 2):
        data[place] ^= 0xFF
    path.write_bytes(data)
    log = read_wandb_log(path)
    first = min(problem.offset for problem in log.problems)
    path.write_bytes(data[:first])
    before = read_wandb_log(path)
    assert before.rows_before_damage is None  # a file that ends too early is torn
    assert log.rows_before_damage == before.history_rows
    assert 0 < before.history_rows < log.history_rows
