"""LIKE and regular expressions: what they find, and that none takes for ever."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.loopback.patterns import SEARCHED, like, quick


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
    assert quick(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(x|x)*y", "((a|b)c)+", "(a{2,3}){4}", "a*a*a*a*a*a*b", "(a|a)" * 20 + "b", "(?:a?){50}", "(?P<n>a*)*"],
)
def test_expressions_that_try_everything_out_are_not(pattern: str) -> None:
    assert not quick(pattern)


def test_the_worst_that_is_taken_ends_soon() -> None:
    assert quick(".*a.*a.*b")
    begun = time.process_time()
    assert re.search(".*a.*a.*b", "a" * SEARCHED) is None
    assert time.process_time() - begun < 5
