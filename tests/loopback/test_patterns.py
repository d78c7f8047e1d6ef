"""LIKE and regular expressions: what they find, and that none takes for ever."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.loopback.patterns import choices, ends_soon, like


@given(st.text("ab%_.", max_size=6), st.text("ab.\n", max_size=6))
def test_like_is_what_sql_says(pattern: str, text: str) -> None:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    assert like(pattern, text) == (re.fullmatch("".join(parts), text, re.DOTALL) is not None)


def test_like_does_not_try_everything_out() -> None:
    begun = time.process_time()
    assert not like("%a" * 50 + "%b", "a" * 5000)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "pattern",
    [
        "^exp-.*-v[0-9]+$",
        r"^vit-.*-lr.*-bs\d+-(warm|cold)-seed\d+$",
        "(train|eval|test)-.*",
        "colou?r",
        r"\*\*\*\*\*",
        "[*+?]{3}",
        "a.*?b",
    ],
)
def test_ordinary_expressions_are_taken(pattern: str) -> None:
    left = choices(pattern)
    assert left is not None
    assert ends_soon(left, 40)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(x|x)*y", "((a|b)c)+", "(a{2,3}){4}", "(?:a?){50}", "(?P<n>a*)*"])
def test_a_choice_that_is_repeated_is_refused(pattern: str) -> None:
    assert choices(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [("a*b", 100_000), (".*a.*b", 4400), ("a*a*a*a*b", 120), ("a*" * 6 + "b", 40), ("(a|a)" * 20 + "b", 8)],
)
def test_the_more_choices_the_shorter_the_value(pattern: str, longest: int) -> None:
    left = choices(pattern)
    assert left is not None
    assert ends_soon(left, longest)
    assert left == 1 or not ends_soon(left, 2 * longest)


def test_the_worst_that_is_taken_ends_soon() -> None:
    pattern, length = ".*a.*a.*a.*b", 120
    assert choices(pattern) == 4
    assert ends_soon(4, length)
    begun = time.process_time()
    assert re.search(pattern, "a" * length) is None
    assert time.process_time() - begun < 5
