"""Scales, ticks, thinning and paths."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from harness.report.charts.drawing import WIDE, Chart, Line, Mark, axis, path, spark
from harness.report.charts.scale import Scale, finite, rounded, scale_of, thin, ticks

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
FINITE = st.floats(min_value=-1e150, max_value=1e150)


@given(st.lists(NUMBERS))
def test_a_scale_holds_what_it_is_made_of(values):
    scale = scale_of(values)
    assert scale.low < scale.high
    assert all(0 <= scale.at(v) <= 1 for v in values if math.isfinite(v))


@given(FINITE, FINITE)
def test_ticks_are_few_in_order_and_within(a, b):
    scale = scale_of([a, b])
    found = ticks(scale)
    assert len(found) <= 16
    assert found == sorted(found)
    room = 1e-6 * (scale.high - scale.low)
    assert all(scale.low - room <= t <= scale.high + room for t in found)


def test_round_scales_and_ticks():
    assert rounded(Scale(1.3, 2.18)) == Scale(1.0, 2.5)
    assert ticks(Scale(0, 100), 4) == [0, 50, 100]
    assert ticks(Scale(0, 3), 5, least=1.0) == [0, 1, 2, 3]
    assert scale_of([], low=0.0, high=100.0) == Scale(0, 100)
    assert scale_of([7.0]).holds(7.0)


@given(st.lists(st.tuples(FINITE, FINITE), max_size=500), st.integers(4, 100))
def test_thinning_keeps_ends_and_extremes(points, most):
    kept = thin(points, most)
    assert len(kept) <= max(most, 4)
    assert set(kept) <= set(points)
    if points:
        assert (kept[0], kept[-1]) == (points[0], points[-1])
        assert max(v for _, v in kept) == max(v for _, v in points)
        assert min(v for _, v in kept) == min(v for _, v in points)


def test_a_single_spike_among_a_million_steps_stays():
    points = [(float(n), 1.0 if n == 77_777 else 0.0) for n in range(100_000)]
    assert (77_777.0, 1.0) in thin(points, 200)


def followed(drawn):
    """The points that a path goes through."""
    head, _, tail = drawn.partition("l")
    at = [int(n) for n in re.findall(r"-?\d+", head)]
    steps = [int(n) for n in re.findall(r"-?\d+", tail)]
    found = [tuple(at)]
    for across, down in zip(steps[::2], steps[1::2], strict=True):
        found.append((found[-1][0] + across, found[-1][1] + down))
    return found


def test_a_path_goes_where_the_points_are():
    points = [(0, 0), (1, 10), (2, 5), (4, 5)]
    drawn = path(points, Scale(0, 4), Scale(0, 10), 1000, 200)
    assert drawn == "M0 200l250-200 250 100 500 0"
    assert followed(drawn) == [(0, 200), (250, 0), (500, 100), (1000, 100)]
    assert path([], Scale(0, 1), Scale(0, 1), 10, 10) == ""


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_a_path_ends_where_the_last_point_is(points):
    x, y = points[-1]
    end = followed(path(points, Scale(0, 1), Scale(0, 1), 1000, 200))[-1]
    assert end == (round(x * 1000), round((1 - y) * 200))


def chart(*lines, **change):
    return Chart(
        **{"title": "loss", "unit": "", "lines": lines, "x": Scale(0, 10), "y": Scale(0, 1), "words": "loss", **change}
    )


def test_few_points_are_dots_and_many_are_not():
    assert "dots" in chart(Line("a", [(0, 0), (1, 1)])).svg
    assert "dots" not in chart(Line("a", [(n / 10, 0.5) for n in range(100)])).svg


def test_the_side_that_is_judged_lies_above_the_other():
    svg = chart(Line("server", [(0, 0), (1, 1)]), Line("disk", [(0, 0), (2, 1)], tone=1, dashed=True)).svg
    assert svg.index("disk") < svg.index("server")


def test_marks_outside_the_axis_are_not_drawn():
    svg = chart(Line("a", [(0, 0)]), marks=(Mark(5, "begun"), Mark(50, "ended"))).svg
    assert f'd="M{WIDE // 2} 0V' in svg
    assert "ended" not in svg


def test_names_are_escaped():
    svg = chart(Line("<b>", [(0, 0)]), words='"quoted"').svg
    assert "<b>" not in svg
    assert '"quoted"' not in svg
    assert "&lt;img" in axis(Scale(0, 1), "<img>")


def test_what_cannot_be_drawn_is_left_out():
    assert finite([(0, math.nan), (math.inf, 1), (1, 2)]) == [(1, 2)]
    assert 'd=""' in spark([], Scale(0, 1))
