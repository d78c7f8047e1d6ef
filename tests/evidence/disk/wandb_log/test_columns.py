"""Tests of turning JSON texts into samples."""

from __future__ import annotations

import pytest

from harness.evidence.disk.wandb_log import columns
from harness.evidence.disk.wandb_log.columns import Columns, add_samples, parse_integers, parse_numbers


def test_numbers_are_parsed_at_once() -> None:
    assert list(parse_numbers([b"1", b"0.5", b"-1e3"]) or ()) == [1, 0.5, -1000]
    assert list(parse_integers([b"1", b"-5"]) or ()) == [1, -5]


@pytest.mark.parametrize("text", [b"true", b"false", b"null", b'"x"', b"[1]", b"{}", b"1,2", b"", b"9" * 400])
def test_what_is_no_number_is_not_taken_for_one(text: bytes) -> None:
    assert parse_numbers([b"1", text]) is None
    assert parse_integers([b"1", text]) is None


def test_what_is_no_64_bit_integer_is_not_taken_for_one() -> None:
    assert parse_integers([b"1.5"]) is None
    assert parse_integers([b"9223372036854775808"]) is None


def test_a_great_many_numbers_are_parsed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LARGE", 3)
    assert parse_numbers([b"1", b"2"]) is not None
    assert parse_numbers([b"1", b"23"]) is None
    found = Columns()
    add_samples(found, "a", None, [b"1", b"23"])
    assert found.cells["a"].numbers.tolist() == [1, 23]


def test_samples_of_a_key_that_comes_twice_keep_their_rows() -> None:
    found = Columns()
    add_samples(found, "a", None, [b"1", b"2"])
    add_samples(found, "a", [1], [b"true"])
    add_samples(found, "a", [0], [b"3"])
    assert (found.cells["a"].rows, found.cells["a"].numbers.tolist()) == ([0, 1, 0], [1, 2, 3])
    assert found.cells["a"].odd == [(1, "bool", "")]
