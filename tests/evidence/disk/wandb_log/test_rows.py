"""Tests of decoding history records in bulk: the quick way and the exact way must agree."""

from __future__ import annotations

import gc
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.disk.wandb_log.columns import Columns
from harness.evidence.disk.wandb_log.exact import read_any
from harness.evidence.disk.wandb_log.rows import read_alike, read_rows
from harness.evidence.disk.wandb_log.schema import Schema
from tests.evidence.disk.wandb_log.logfile import history, item, message

SCHEMA = Schema()


def plain(columns: Columns) -> dict[str, Any]:
    """Columns in a form that compares NaN as equal."""
    count = len(columns.steps)
    return {
        "steps": columns.steps.tolist(),
        "times": [repr(time) for time in columns.times],
        "bad": columns.bad,
        "cells": {
            key: (
                list(range(count)) if cell.rows is None else cell.rows,
                [repr(number) for number in cell.numbers],
                cell.odd,
            )
            for key, cell in sorted(columns.cells.items())
        },
    }


def row(step: int, *, nested: bool = True, **values: str) -> bytes:
    cells = {**values, "_step": str(step), "_timestamp": str(1e9 + step), "_runtime": "1"}
    return history(step + 1, [item([key], value, nested=nested) for key, value in cells.items()], step)


NUMBERS = st.one_of(
    st.floats().map(lambda value: repr(value).replace("nan", "NaN").replace("inf", "Infinity")),
    st.integers(-(2**70), 2**70).map(str),
)
OTHERS = st.sampled_from(
    ['"text"', "true", "false", "null", "[1, 2]", '{"a": 1}', '"NaN"', "nonsense", "", "1,2", "[["]
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "c", "é", "x.y"]), st.one_of(NUMBERS, NUMBERS, OTHERS), max_size=5),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("nested", [True, False])
def test_rows_that_are_alike(nested: bool) -> None:
    rows = [row(step, nested=nested, loss=str(1 / (step + 1)), acc="1") for step in range(300)]
    quick = read_alike(rows, SCHEMA)
    assert quick is not None
    assert quick.steps.tolist() == list(range(300))
    assert quick.times[5] == 1e9 + 5
    assert quick.cells["loss"].rows is None
    assert quick.cells["loss"].numbers[4] == 1 / 5
    assert set(quick.cells) == {"loss", "acc"}
    assert plain(quick) == plain(read_any(rows, SCHEMA))


def test_the_parsers_outlive_the_garbage_collector() -> None:
    schema = Schema()
    gc.collect()
    assert read_rows([row(0, a="1")] * 50, schema).cells["a"].numbers.tolist() == [1] * 50


@given(ROWS, st.booleans())
def test_both_ways_agree(rows: list[dict[str, str]], nested: bool) -> None:
    payloads = [row(step, nested=nested, **values) for step, values in enumerate(rows)]
    exact = read_any(payloads, SCHEMA)
    assert exact.bad == []
    assert plain(read_rows(payloads, SCHEMA)) == plain(exact)
    counted = sum(len(cell.numbers) + len(cell.odd) for cell in exact.cells.values())
    assert counted == sum(map(len, rows))


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_numbers_keep_their_value(texts: list[str]) -> None:
    cell = read_rows([row(step, x=text) for step, text in enumerate(texts)], SCHEMA).cells["x"]
    assert [repr(number) for number in cell.numbers] == [repr(float(text)) for text in texts]


def test_a_whole_number_beyond_all_floats_is_infinite() -> None:
    texts = ["1", "9" * 400, "-" + "9" * 400]
    cell = read_rows([row(step, x=text) for step, text in enumerate(texts)], SCHEMA).cells["x"]
    assert cell.numbers.tolist() == [1, math.inf, -math.inf]


def test_gaps_keep_their_rows() -> None:
    rows = [row(step, loss="1", **({"val": str(step)} if step % 3 == 2 else {})) for step in range(9)]
    columns = read_rows(rows, SCHEMA)
    assert columns.cells["val"].rows == [2, 5, 8]
    assert columns.cells["val"].numbers.tolist() == [2, 5, 8]
    assert columns.cells["loss"].rows is None
    assert read_alike(rows, SCHEMA) is not None


def test_gaps_keep_their_rows_where_a_length_looks_like_the_tag_of_a_value() -> None:
    # An item of 130 bytes has the length 82 01, which is how every value begins.
    rows = [row(step, loss="1", **({"val": f'"{"x" * 120}"'} if step in (1, 4) else {})) for step in range(6)]
    rows[3] = row(3, loss="1", late="3")
    assert rows[1].count(b"\x82\x01") == rows[0].count(b"\x82\x01") + 2
    columns = read_rows(rows, SCHEMA)
    assert [at for at, _, _ in columns.cells["val"].odd] == [1, 4]
    assert columns.cells["late"].rows == [3]


def test_no_records_are_no_rows() -> None:
    assert plain(read_rows([], SCHEMA)) == {"steps": [], "times": [], "bad": [], "cells": {}}


def test_rows_without_any_time() -> None:
    rows = [history(step + 1, [item(["a"], "1"), item(["_step"], str(step))], step) for step in range(3)]
    for found in (read_alike(rows, SCHEMA), read_any(rows, SCHEMA)):
        assert found is not None
        assert found.steps.tolist() == [0, 1, 2]
        assert [math.isnan(time) for time in found.times] == [True] * 3


def test_nested_keys_and_dictionaries_are_the_same() -> None:
    by_path = history(1, [item(["d", "x"], "1"), item(["d", "y", "z"], "2"), item(["_step"], "0")], 0)
    by_value = history(0, [item(["d"], '{"x": 1, "y": {"z": 2}}', nested=False), item(["_step"], "0")], 0)
    assert plain(read_rows([by_path], SCHEMA))["cells"] == plain(read_rows([by_value], SCHEMA))["cells"]
    assert set(read_rows([by_path], SCHEMA).cells) == {"d.x", "d.y.z"}


def test_the_step_field_serves_where_the_item_is_missing() -> None:
    rows = [history(1, [item(["a"], "1")], 7), history(2, [item(["a"], "1")], None), history(3, [], -3)]
    assert read_rows(rows, SCHEMA).steps.tolist() == [7, 8, -3]


def test_times_are_nan_where_not_known() -> None:
    rows = [row(0, a="1"), history(2, [item(["a"], "2"), item(["_step"], "1")], 1)]
    times = read_rows(rows, SCHEMA).times
    assert times[0] == 1e9
    assert math.isnan(times[1])


def test_long_values_and_odd_items() -> None:
    text = '"' + "x" * 300 + '"'
    backwards = message(b"\x0a", message(b"\x82\x01", b"5") + message(b"\x12", b"late"))
    twice = message(b"\x0a", message(b"\x12", b"a") + message(b"\x82\x01", b"1") + message(b"\x82\x01", b"2"))
    empty = message(b"\x0a", message(b"\x12", b"none"))
    payload = history(1, [item(["long"], text), backwards, twice, empty, message(b"\x0a", b"")], 3)
    columns = read_rows([payload], SCHEMA)
    assert columns.steps.tolist() == [3]
    assert columns.cells["long"].odd == [(0, "string", "x" * 100)]
    assert columns.cells["late"].numbers.tolist() == [5]
    assert columns.cells["a"].numbers.tolist() == [2]
    assert columns.cells["none"].odd == [(0, "invalid", "")]


def test_a_broken_record_is_named_and_costs_no_other() -> None:
    rows = [row(step, a=str(step)) for step in range(5)]
    rows[2] = rows[2][:-3]
    columns = read_rows(rows, SCHEMA)
    assert columns.bad == [2]
    assert columns.steps.tolist() == [0, 1, 3, 4]
    assert columns.cells["a"].numbers.tolist() == [0, 1, 3, 4]


def test_a_key_in_both_spellings_is_one_series_in_order() -> None:
    for count in (2, 3, 4, 6):
        falling = [row(step, nested=step % 2 == 0, a=str(9 - step)) for step in range(count)]
        assert read_rows(falling, SCHEMA).cells["a"].numbers.tolist() == [9, 8, 7, 6, 5, 4][:count]
    texts = [row(step, nested=step % 2 == 0, a=f'"{9 - step}"') for step in range(6)]
    assert [text for _, _, text in read_rows(texts, SCHEMA).cells["a"].odd] == ["9", "8", "7", "6", "5", "4"]


def test_a_bomb_of_key_parts_stays_small() -> None:
    columns = read_rows([history(1, [item(["a"] * 50_000, "1")], 0)], SCHEMA)
    (key,) = columns.cells
    assert len(key) < 400
    assert columns.cells[key].numbers.tolist() == [1]


@pytest.mark.parametrize("value", ["[" * 60_000, '{"a":' * 10_000, "[" * 200_000, "9" * 5000])
def test_a_bomb_of_nesting_is_no_number(value: str) -> None:
    cell = read_rows([row(0, a=value)], SCHEMA).cells["a"]
    assert len(cell.odd) + len(cell.numbers) == 1


def test_what_only_protobuf_takes_costs_one_record() -> None:
    group = message(b"\x0a", b"\x1b\x1c" + message(b"\x12", b"a") + message(b"\x82\x01", b"1"))
    rows = [row(0, a="0"), history(2, [group, item(["d", "x"], "1")], 1), row(2, a="2")]
    columns = read_rows(rows, SCHEMA)
    assert columns.bad == [1]
    assert columns.steps.tolist() == [0, 2]
