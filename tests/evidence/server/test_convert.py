"""A sample of a long series tells what the values between its rows are."""

import pytest

from harness.evidence.redaction.redactor import redact
from harness.evidence.server.convert import _from_keys, bounded, series

NAN, WORD = "NaN", "warmup"


def read(values, **counts):
    """A series with so many values of each type on the server, whose sample shows these."""
    types = [{"type": kind, "count": count} for kind, count in counts.items()]
    rows = [{"_step": step, "loss": value} for step, value in enumerate(values)]
    return series(_from_keys("loss", {"typeCounts": types, "previousValue": values[-1]}), rows)


@pytest.mark.parametrize(
    ("values", "counts", "non_finite", "others"),
    [
        ([NAN] * 200, {"string": 1000}, 1000, 0),
        ([NAN, "Infinity"], {"string": 2}, 2, 0),
        ([WORD] * 200, {"string": 1000}, 0, 1000),
        ([WORD] * 100 + [NAN] * 100, {"string": 1000}, 100, 900),
        ([1.0] * 200, {"number": 990, "string": 10}, 10, 0),
        ([1.0, WORD], {"number": 990, "string": 10}, 0, 10),
        ([{"a": 1}] * 200, {"map": 1000}, 0, 1000),
    ],
)
def test_values_that_are_no_numbers(values, counts, non_finite, others):
    found = read(values, **counts)
    assert (found.non_finite, found.others) == (non_finite, others)
    assert found.numbers + found.non_finite + found.others == found.count


def test_a_key_at_which_a_long_value_is_cut_is_not_shown_in_part():
    text = "x " * 190 + "0123456789abcdef" * 2 + "01234567" + " x" * 200
    for shown in (bounded(text), *bounded({text: None})):
        assert "01234567" not in redact(shown)
        assert shown.startswith("x x")
