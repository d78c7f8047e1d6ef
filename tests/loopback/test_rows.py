"""Rows by offset, step and key: whatever order they come in, the index says what the rows say."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.loopback.rows import GeneratedLog, LineLog, evenly
from harness.loopback.series import flatten, value_type


def lines(*rows: dict) -> list[str]:
    return [json.dumps(row) for row in rows]


values = st.one_of(st.integers(-5, 5), st.floats(allow_nan=True), st.text(max_size=3), st.booleans(), st.none())
rows = st.dictionaries(st.sampled_from(["loss", "acc", "_step"]), values, max_size=3)


@settings(suppress_health_check=[HealthCheck.too_slow])  # of the machine, which may be busy
@given(st.lists(st.tuples(st.integers(0, 6), st.lists(rows, min_size=1, max_size=4)), max_size=6))
def test_the_index_agrees_with_the_rows(chunks: list[tuple[int, list[dict]]]) -> None:
    log, expected = LineLog(), {}
    for offset, chunk in chunks:
        log.write(offset, lines(*chunk))
        expected.update(enumerate(chunk, start=offset))
        if offset % 2:
            log.history_keys()  # reads in between must not matter
    counts = {key: Counter() for row in expected.values() for key, _ in flatten(row)}
    for row in expected.values():
        for key, value in flatten(row):
            counts[key][value_type(value)] += 1
    found = {
        key: {entry["type"]: entry["count"] for entry in summary["typeCounts"]}
        for key, summary in log.history_keys()["keys"].items()
    }
    assert found == counts
    assert sorted(log.between(-(2**62), 2**62)) == sorted(expected)
    assert sorted(log.holding(["loss", "acc"])) == sorted(n for n, r in expected.items() if {"loss", "acc"} <= r.keys())


def test_a_chunk_sent_again_replaces_the_rows() -> None:
    log = LineLog()
    log.write(0, lines({"_step": 0, "loss": 1}, {"_step": 1, "loss": 2}))
    log.write(0, lines({"_step": 0, "acc": 9}))
    assert [json.loads(log.line(n)) for n in log.between(0, 9)] == [{"_step": 0, "acc": 9}, {"_step": 1, "loss": 2}]
    assert log.history_keys()["keys"]["loss"]["typeCounts"] == [{"type": "number", "count": 1}]


def test_a_lost_chunk_leaves_a_gap_and_the_numbers_stay() -> None:
    log = LineLog()
    log.write(2, lines({"_step": 2, "loss": 1}))
    assert len(log) == 3
    assert list(log.between(0, 9)) == [2]


@pytest.mark.parametrize("bad", ["[1]", "nonsense", "", "3", '{"a": ' * 2000])
def test_a_bad_line_is_refused_and_nothing_is_stored(bad: str) -> None:
    log = LineLog()
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        log.write(0, ['{"a": 1}', bad])
    assert len(log) == 0


@pytest.mark.parametrize("offset", [-1, 10**9])
def test_an_absurd_offset_is_refused(offset: int) -> None:
    with pytest.raises(ValueError, match="does not follow"):
        LineLog().write(offset, ['{"a": 1}'])


def test_steps_out_of_order_read_in_order() -> None:
    log = LineLog()
    log.write(0, lines({"_step": 5}, {"_step": 3}, {"_step": 4}))
    assert [json.loads(log.line(n))["_step"] for n in log.between(0, 9)] == [3, 4, 5]
    assert log.history_keys()["lastStep"] == 5
    assert list(log.between(4, 5)) == [2]


def test_nan_is_a_string_for_readers() -> None:
    log = LineLog()
    log.write(0, ['{"_step": 0, "loss": NaN, "x": [Infinity, -Infinity]}'])
    assert json.loads(log.line(0)) == {"_step": 0, "loss": "NaN", "x": ["Infinity", "-Infinity"]}
    assert log.history_keys()["keys"]["loss"]["typeCounts"] == [{"type": "string", "count": 1}]
    assert log.history_keys()["keys"]["loss"]["previousValue"] == "NaN"


@pytest.mark.parametrize(
    ("series", "direction"),
    [([1, 2, 3], "INCREASING"), ([3, 2], "DECREASING"), ([1, 3, 2], "MONOTONICITY_NONE"), (["a"], "MONOTONICITY_NONE")],
)
def test_direction(series: list, direction: str) -> None:
    log = LineLog()
    log.write(0, lines(*({"x": value} for value in series)))
    assert log.history_keys()["keys"]["x"]["monotonicity"] == direction


def test_nested_keys_and_media_types() -> None:
    log = LineLog()
    log.write(0, lines({"d": {"v": 1}, "image": {"_type": "image-file", "path": "x"}, "b": True, "l": [1], "n": None}))
    kinds = {key: entry["typeCounts"][0]["type"] for key, entry in log.history_keys()["keys"].items()}
    assert kinds == {"d.v": "number", "image": "image-file", "b": "boolean", "l": "list", "n": "nil"}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2000), st.integers(0, 600))
def test_evenly_keeps_the_ends(size: int, samples: int) -> None:
    chosen = evenly(range(size), samples)
    assert len(chosen) == min(size, samples)
    assert chosen == sorted(set(chosen))
    if samples > 1 and size:
        assert (chosen[0], chosen[-1]) == (0, size - 1)


def test_a_generated_history_answers_like_a_stored_one() -> None:
    generated = GeneratedLog(steps=50, series={"loss": lambda step: 1 / (step + 1), "flat": lambda _: 2.0})
    stored = LineLog()
    stored.write(0, [generated.line(n) for n in range(50)])
    assert generated.history_keys() == stored.history_keys()
    assert list(generated.between(10, 20)) == list(stored.between(10, 20))
    assert list(generated.between(-5, 500)) == list(range(50))
    assert list(generated.holding(["loss", "_step"])) == list(stored.holding(["loss", "_step"]))
    assert list(generated.holding(["nothing"])) == list(stored.holding(["nothing"])) == []
    assert GeneratedLog(steps=0, series={}).history_keys()["lastStep"] == -1
