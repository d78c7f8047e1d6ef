"""Tests of summing up the system metrics."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.disk.wandb_log import system
from harness.evidence.disk.wandb_log.system import System, SystemSeries
from tests.evidence.disk.wandb_log.test_series import summed


def test_samples_of_one_metric() -> None:
    series = SystemSeries("gpu.0.gpu", 100.0)
    for second, value in enumerate(["0.0", "50", "null", "NaN", "70"]):
        series.add(100.0 + second, value)
    summary = series.summary()
    assert (summary.count, summary.count_number) == (5, 4)
    assert (summary.first, summary.last, summary.min, summary.max) == (0, 70, 0, 70)
    assert summary.sketch == ((0, 0), (1, 50), (3, "NaN"), (4, 70))
    assert series.summary() == summary


def test_samples_that_are_no_numbers() -> None:
    series = SystemSeries("gpu.0.powerWatts", 100.0)
    series.add(100.12345, '"N/A"')
    summary = series.summary()
    assert (summary.count, summary.count_number, summary.first, summary.last) == (1, 0, None, None)
    assert summary.sketch == ()


def test_times_in_the_sketch_are_milliseconds_since_the_first_sample() -> None:
    series = SystemSeries("cpu", 100.0)
    series.add(107.123456, "1")
    assert series.summary().sketch == ((7.123, 1),)


@given(st.lists(st.floats(), min_size=1, max_size=600))
def test_samples_are_gathered_without_loss(values: list[float]) -> None:
    series = SystemSeries("cpu", 100.0)
    for second, value in enumerate(values):
        series.add(100.0 + second, repr(value).replace("nan", "NaN").replace("inf", "Infinity"))
    summary, history = series.summary(), summed(values)
    assert (summary.count, summary.count_number) == (len(values), len(values))
    assert (summary.first, summary.last, summary.min, summary.max) == (
        history.first,
        history.last,
        history.min,
        history.max,
    )
    assert summary.sketch == history.sketch


def test_samples_of_the_whole_node() -> None:
    found = System()
    found.add(10.0, [("cpu", "1"), ("gpu.0.gpu", "2")])
    found.add(12.0, [("cpu", "3")])
    found.add(14.0, [])
    assert (found.samples, found.first_time, found.last_time, found.dropped) == (3, 10, 14, 0)
    assert {key: series.sketch for key, series in found.summaries().items()} == {
        "cpu": ((0, 1), (2, 3)),
        "gpu.0.gpu": ((0, 2),),
    }
    assert found.labels == set()


def test_keys_that_are_cut_to_the_same_are_one_series() -> None:
    found = System()
    for time in (1.0, 2.0):
        found.add(time, [("k" * 5000, "1")])
    (series,) = found.summaries().values()
    assert (series.count, len(series.key) < 400) == (2, True)


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_MAX_SERIES", 3)
    found = System()
    for time in (1.0, 2.0):
        found.add(time, [(f"gpu.{number}.gpu", "1") for number in range(5)])
    assert (sorted(found.summaries()), found.dropped) == (["gpu.0.gpu", "gpu.1.gpu", "gpu.2.gpu"], 2)
    found.add(3.0, [(f"gpu.{number}.gpu", "1") for number in range(20)])
    assert found.dropped == 3
    assert found.summaries()["gpu.2.gpu"].count == 3


def test_labels_of_writers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_MAX_LABELS", 2)
    found = System()
    found.add(1.0, [(f"{key}/l:rank{rank}", "1") for rank, key in product(range(3), ("cpu", "memory"))])
    found.add(2.0, [("disk", "1")])
    assert found.labels == {"rank0", "rank1"}


def test_series_beyond_the_first_ones_are_coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_FINE_SERIES", 1)
    found = System()
    for second in range(150):
        found.add(float(second), [("cpu", "1"), ("disk", "1")])
    sketches = {key: len(series.sketch) for key, series in found.summaries().items()}
    assert sketches["cpu"] == 150
    assert 10 <= sketches["disk"] <= 20
