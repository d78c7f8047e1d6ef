"""Tests of decoding history records item by item, where the quick way gives up."""

from __future__ import annotations

import pytest

from harness.evidence.disk.wandb_log import exact
from harness.evidence.disk.wandb_log.exact import read_any
from harness.evidence.disk.wandb_log.schema import Schema
from tests.evidence.disk.wandb_log.logfile import history, item, message

SCHEMA = Schema()


def test_a_key_twice_in_one_row_is_two_samples_of_that_row() -> None:
    rows = [history(1, [item(["a"], "1"), item(["a"], "2")], 0), history(2, [item(["b"], "3")], 1)]
    columns = read_any(rows, SCHEMA)
    assert (columns.cells["a"].rows, columns.cells["a"].numbers.tolist()) == ([0, 0], [1, 2])
    assert (columns.cells["b"].rows, columns.cells["b"].numbers.tolist()) == ([1], [3])


def test_an_empty_item_is_no_row() -> None:
    rows = [
        history(1, [message(b"\x0a", b""), item(["a"], "1")], 5),
        history(2, [item(["a"], "2"), message(b"\x0a", b"")], 6),
        history(3, [item(["b"], "3")], 7),
    ]
    columns = read_any(rows, SCHEMA)
    assert columns.steps.tolist() == [5, 6, 7]
    assert columns.cells["a"].rows == [0, 1]
    assert columns.cells["b"].rows == [2]


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("3", 3), ("-3", -3), (str(2**63 - 1), 2**63 - 1),
        # What is no step at all leaves the word to the record's own field.
        ("1.5", 40), ('"x"', 40), (str(2**63), 40), ("1e400", 40), ("{", 40), ("null", 40),
    ],
)  # fmt: skip
def test_the_step_of_a_row(step: str, wanted: int) -> None:
    whole = history(1, [item(["_step"], "2"), item(["a"], "1")], 2)
    odd = history(2, [item(["_step"], step), item(["a"], "1")], 40)
    assert read_any([odd], SCHEMA).steps.tolist() == [wanted]
    assert read_any([whole, odd], SCHEMA).steps.tolist() == [2, wanted]


def test_a_row_without_a_step_counts_on_as_far_as_64_bits_go() -> None:
    unnamed = history(2, [item(["a"], "1")], None)
    assert read_any([unnamed, unnamed], SCHEMA).steps.tolist() == [0, 1]
    last = history(1, [item(["a"], "1")], 2**63 - 1)
    assert read_any([last, unnamed], SCHEMA).steps.tolist() == [2**63 - 1] * 2


def test_a_step_in_both_spellings_is_the_one_that_comes_last() -> None:
    twice = history(1, [item(["_step"], "3"), item(["_step"], "4", nested=False)], 9)
    assert read_any([twice], SCHEMA).steps.tolist() == [4]


def test_a_length_may_take_more_bytes_than_it_needs() -> None:
    empty = b"\x82\x01\x80\x00" + message(b"\x22", bytes(125))
    row = history(1, [message(b"\x0a", message(b"\x12", b"a") + empty), item(["b"], "1")], 0)
    assert read_any([row], SCHEMA).cells["a"].odd == [(0, "invalid", "")]


def test_a_step_in_some_rows_only() -> None:
    rows = [history(1, [item(["_step"], "7")], 1), history(2, [], 2), history(3, [item(["_step"], "9")], 3)]
    assert read_any(rows, SCHEMA).steps.tolist() == [7, 2, 9]


@pytest.mark.parametrize("size", [0, 1, 120, 125, 126, 127, 128, 129, 130, 131, 300, 2**14, 2**14 + 1])
def test_texts_of_any_length(size: int) -> None:
    rows = [history(1, [item(["d", "t"], f'"{"x" * size}"'), item(["n"], "5")], 0)]
    columns = read_any(rows, SCHEMA)
    assert columns.cells["d.t"].odd == [(0, "string", "x" * min(size, 100))]
    assert columns.cells["n"].numbers.tolist() == [5]


def test_very_large_records_are_taken_one_by_one_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [history(step, [item(["d", "x"], str(step)), item(["_step"], str(step))], step) for step in range(1, 5)]
    at_once = read_any(rows, SCHEMA)
    monkeypatch.setattr(exact, "LARGE", len(rows[0]) - 1)
    one_by_one = read_any(rows, SCHEMA)
    assert at_once.steps == one_by_one.steps
    assert at_once.cells == one_by_one.cells
    assert at_once.cells["d.x"].numbers.tolist() == [1, 2, 3, 4]
