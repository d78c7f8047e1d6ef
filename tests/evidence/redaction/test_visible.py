"""Text that is shown: nothing invisible, nothing endless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.redaction.visible import LONG, block, clean, seen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\u202ecod.exe", "\\u202ecod.exe"),
        ("\x1b[2J", "\\x1b[2J"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("Zürich 東京 🚀", "Zürich 東京 🚀"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert clean(text) == shown


def test_piled_marks_do_not_reach_into_other_lines():
    assert seen("a" + "\u0301" * 50) == "a" + "\u0301" * 3


@given(st.text())
def test_whatever_comes_in_something_short_and_writable_comes_out(text):
    line = clean(text, 50)
    assert len(line) <= 50 * 10 + 40
    assert "\n" not in line
    line.encode()
    block(text).encode()


def test_a_name_of_a_megabyte_is_cut_and_says_so():
    assert clean("x" * 1_000_000, 10) == "xxxxxxxxxx… (999,990 more characters)"
    shown = block("y" * 1_000_000)
    assert len(shown) < LONG
    assert "more characters" in shown


def test_a_block_keeps_lines_and_indentation():
    assert block("\n  if a:\n\tb\n") == "  if a:\n    b"
