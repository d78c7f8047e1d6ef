"""Values are bounded: numbers in size, the rest in depth."""

import math

import pytest

from harness.evidence.disk.wandb_log.values import (
    MAX_KEY,
    NotJson,
    as_number,
    clean,
    clean_text,
    key_name,
    kind_of,
    leaves,
    parse_json,
    text_or_value,
    to_number,
)
from harness.evidence.redaction.redactor import redact


def test_whole_numbers_are_exact_as_far_as_64_bits_go() -> None:
    for limit in (2**63, -(2**63)):
        assert repr(as_number(limit)) == str(limit)
        assert isinstance(as_number(limit + (1 if limit > 0 else -1)), float)
    assert repr(to_number(2.0**53 - 1)) == str(2**53 - 1)
    assert isinstance(to_number(2.0**53), float)


def test_what_is_a_number_and_what_is_none() -> None:
    assert repr(as_number("NaN")) == "nan"
    assert (as_number("Infinity"), as_number("-Infinity")) == (math.inf, -math.inf)
    assert (as_number(10**400), as_number(-(10**400))) == (math.inf, -math.inf)
    assert [as_number(value) for value in ("nan", "1", True, None, [], {})] == [None] * 6
    assert [to_number(value) for value in (math.nan, math.inf, -math.inf)] == ["NaN", "Infinity", "-Infinity"]
    assert [clean(value) for value in (math.nan, "Infinity", 3.0, True, None)] == ["NaN", "Infinity", 3, True, None]


def test_the_kind_of_what_is_no_number() -> None:
    values = ["text", True, False, None, [1], {"a": 1}]
    assert [kind_of(value) for value in values] == ["string", "bool", "bool", "null", "list", "dict"]


@pytest.mark.parametrize(
    ("begin", "end", "kind"),
    [(b'"', b'"', "string"), (b"[", b"]", "list"), (b'{"a": "', b'"}', "dict"), (b"1", b"", "invalid")],
)
def test_a_long_value_is_judged_by_how_it_begins(begin: bytes, end: bytes, kind: str) -> None:
    room = 64 * 1024 - len(begin) - len(end)
    assert parse_json(begin + b"1" * (room + 1) + end) == NotJson(kind)
    at_most = parse_json(b'"' + b"1" * (64 * 1024 - 2) + b'"')
    assert at_most == "1" * (64 * 1024 - 2)


def test_what_is_no_json_is_kept_as_it_stands() -> None:
    assert parse_json(b"{") == NotJson("invalid")
    assert text_or_value(b"{\xff") == "{\ufffd"
    assert text_or_value(b'"\\ud800"') == "\ud800"
    assert text_or_value(b"[NaN]") == [pytest.approx(math.nan, nan_ok=True)]


def test_what_fits_is_whole_and_what_does_not_says_how_long_it_is() -> None:
    assert clean("text") == clean_text("text") == "text"
    assert clean_text("x" * 1000) == "x" * 1000
    assert clean_text("x " * 500 + "y").endswith("… (1001 characters)")
    assert clean(list(range(200))) == list(range(200))
    assert clean(list(range(201))) == [*range(200), "… (201 entries)"]
    assert len(dict(clean({str(number): 1 for number in range(201)}))) == 200


def test_a_key_is_whole_as_far_as_it_is_shown() -> None:
    assert key_name([b"d", "é".encode(), b"\xff"]) == "d.é.\ufffd"
    assert key_name(["\U0001f600".encode() * 300]) == "\U0001f600" * 300
    assert key_name([b"a"] * 32) == ".".join("a" * 32)
    assert key_name([b"a"] * 33) == ".".join("a" * 32) + ".… (33 parts)"


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"k": value}
    return value


def test_dictionaries_are_taken_apart_to_a_depth() -> None:
    assert list(leaves(("a",), deep(12))) == [(("a", *"k" * 12), 1)]
    assert list(leaves(("a",), deep(13))) == [(("a", *"k" * 12), {"k": 1})]
    assert next(iter(leaves(("a",), deep(500))))[0] == ("a", *"k" * 12)


def test_what_is_nested_deeper_is_cut_off() -> None:
    assert clean(deep(12)) == deep(12)
    assert "nested deeper" in str(clean(deep(13)))
    assert clean([[[[[[[[[[[[1]]]]]]]]]]]]) == [[[[[[[[[[[[1]]]]]]]]]]]]
    assert "nested deeper" in str(clean([[[[[[[[[[[[[1]]]]]]]]]]]]]))


def test_a_key_at_which_a_long_text_is_cut_is_not_shown_in_part():
    shown = redact(clean_text("x " * 490 + "0123456789abcdef" * 2 + "01234567" + " x" * 200))
    assert "01234567" not in shown
    assert shown.endswith("x… (1420 characters)")


def test_a_long_key_in_a_value_is_shortened_before_it_is_kept() -> None:
    [(key, value)] = leaves(("t",), {"k" * 1_000_000: 1})
    assert (key[0], value) == ("t", 1)
    assert len(key[1]) < 2 * MAX_KEY
