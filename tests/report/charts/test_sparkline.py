"""Small curves for the terminal."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.models import Evidence
from harness.report.charts.sparkline import BARS, PLAIN, bars_for, curves, sparkline
from tests.judging.build import server, server_run, system
from tests.report.samples import SAMPLES, hostile, lumi, many_gpus


def test_a_falling_loss_falls():
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1], 8, BARS) == "█▇▆▅▄▃▂▁"


def test_a_flat_line_is_flat_and_nothing_is_nothing():
    assert sparkline([5, 5, 5], 8, BARS) == "▁▁▁"
    assert sparkline([], 8, BARS) == ""


def test_a_fixed_scale_shows_the_height():
    assert sparkline([100, 100], 8, BARS, 0, 100) == "██"


@given(st.lists(st.floats(-1e100, 1e100), max_size=300), st.integers(1, 60))
def test_a_line_is_never_wider_than_its_room(values, width):
    assert len(sparkline(values, width, BARS)) == min(width, len(values))


@pytest.mark.parametrize(
    ("encoding", "bars"),
    [("utf-8", BARS), ("UTF-8", BARS), ("ascii", PLAIN), ("latin-1", PLAIN), (None, PLAIN), ("nonsense", PLAIN)],
)
def test_bars_fit_the_terminal(encoding, bars):
    assert bars_for(encoding) == bars


def test_loss_and_every_gcd_have_a_line():
    lines = curves(lumi(), 80, "utf-8")
    assert lines[0].startswith("loss: 2.5 █")
    assert lines[0].endswith(" 0.4424")
    assert [line.partition(":")[0] for line in lines[1:]] == [f"GCD {n}" for n in range(8)]
    assert lines[1].endswith(" %")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_lines_fit_80_columns_and_the_encoding(name, encoding):
    for line in curves(SAMPLES[name]()[0], 80, encoding):
        assert len(line) <= 80
        if name != "hostile":
            line.encode(encoding)


def test_gpus_of_several_nodes_say_of_which():
    series = {f"system.gpu.0.gpu/l:nid{n}": system(f"gpu.0.gpu/l:nid{n}", [1, 2, 3]) for n in (1, 2)}
    lines = curves(lumi(server=server(server_run(system=series))), 80, "utf-8")
    assert [line.partition(":")[0] for line in lines[1:]] == ["GPU 0 of nid1", "GPU 0 of nid2"]


def test_many_gpus_are_counted():
    assert curves(many_gpus()[0], 80, "utf-8")[-1] == "and 56 more GPUs"


def test_nothing_odd_reaches_the_terminal():
    text = "\n".join(curves(hostile()[0], 80, "utf-8"))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_without_evidence_there_is_no_line():
    assert curves(None, 80, "utf-8") == []
    assert curves(Evidence(), 80, "utf-8") == []
    assert math.isfinite(len(curves(Evidence(), 80, None)))
