"""Tests of summing up one metric."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.disk.wandb_log.series import Series, Sketch, Steps
from harness.evidence.models.wandb_log import SeriesSummary


def summed(values: list[float], pieces: int = 1, steps: list[int] | None = None) -> SeriesSummary:
    series = Series("x")
    at = list(range(len(values))) if steps is None else steps
    size = max(1, -(-len(values) // pieces))
    for start in range(0, len(values), size):
        series.add(Steps(at[start : start + size]), values[start : start + size])
    return series.summary()


@given(st.lists(st.floats(), min_size=1, max_size=700), st.integers(1, 9))
def test_pieces_do_not_matter(values: list[float], pieces: int) -> None:
    assert summed(values, pieces) == summed(values, len(values))


@given(st.lists(st.floats(), min_size=1, max_size=50))
def test_extremes_are_of_finite_numbers(values: list[float]) -> None:
    summary = summed(values)
    finite = [value for value in values if math.isfinite(value)]
    assert (summary.min, summary.max) == ((min(finite), max(finite)) if finite else (None, None))
    assert summary.count_non_finite == len(values) - len(finite)
    assert summary.count_number == len(finite)


def test_a_sum_that_overflows_is_no_sign_of_infinity() -> None:
    summary = summed([1e308, 1e308, -1e308])
    assert summary.count_non_finite == 0
    assert summary.max == 1e308


@pytest.mark.parametrize("count", [1, 2, 198, 199, 200, 201, 401, 403, 1000, 12345])
def test_the_sketch_is_bounded_even_and_ends_with_the_last(count: int) -> None:
    sketch = summed([float(step) for step in range(count)], 7).sketch
    assert len(sketch) <= 200
    assert len(sketch) == count if count < 200 else len(sketch) >= 99
    assert sketch[0] == (0, 0)
    assert sketch[-1] == (count - 1, count - 1)
    gaps = {after[0] - before[0] for before, after in pairwise(sketch[:-1])}
    assert len(gaps) <= 1
    assert all(before[0] < after[0] for before, after in pairwise(sketch))


def test_non_finite_points_are_words_in_the_sketch() -> None:
    assert summed([1, math.nan, -math.inf]).sketch == ((0, 1), (1, "NaN"), (2, "-Infinity"))


def test_steps_that_repeat_or_go_back() -> None:
    summary = summed([0.0] * 7, 3, [0, 1, 1, 2, 0, 0, 5])
    assert (summary.repeated_steps, summary.backward_steps) == (2, 1)
    assert (summary.first_step, summary.last_step) == (0, 5)
    again = summed([0.0, 0.0], 2, [3, 3])
    assert (again.repeated_steps, again.backward_steps) == (1, 0)
    zigzag = summed([0.0] * 7, 1, [0, 5, 3, 4, 2, 2, 9])
    assert (zigzag.repeated_steps, zigzag.backward_steps) == (1, 2)


def test_the_first_non_finite_step_stays_the_first() -> None:
    for pieces in (1, 4):
        summary = summed([1, math.nan, 2, math.inf], pieces, [10, 20, 30, 40])
        assert (summary.first_non_finite_step, summary.count_non_finite) == (20, 2)
    assert summed([1, 2]).first_non_finite_step is None


def test_constant_means_all_numbers_are_the_same() -> None:
    assert summed([2.0, 2.0]).constant
    assert not summed([2.0, 2.5]).constant
    assert not summed([2.0, math.nan]).constant


def test_whole_numbers_have_no_fraction() -> None:
    assert repr(summed([3.0, 0.5]).first) == "3"
    assert repr(summed([1e300]).first) == "1e+300"


def test_other_kinds_are_counted() -> None:
    series = Series("x")
    series.add(Steps([0, 1, 2]), [4.0], [1])
    series.add_odd([(0, "string", "hi"), (2, "bool", "")])
    summary = series.summary()
    assert summary.types == {"number": 1, "string": 1, "bool": 1}
    assert (summary.count, summary.count_number, summary.count_other) == (3, 1, 2)
    assert summary.sketch == ((1, 4),)


def test_a_sketch_may_be_coarse() -> None:
    sketch = Sketch(20)
    for step in range(1000):
        sketch.add([step], [float(step)])
    assert len(sketch.points()) <= 20
