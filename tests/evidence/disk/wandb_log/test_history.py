"""Tests of summing up the rows of `run.log()`."""

from __future__ import annotations

import pytest

from harness.evidence.disk.wandb_log import history
from harness.evidence.disk.wandb_log.history import History
from harness.evidence.disk.wandb_log.rows import read_rows
from harness.evidence.disk.wandb_log.schema import Schema
from tests.evidence.disk.wandb_log.logfile import history as record
from tests.evidence.disk.wandb_log.logfile import item

SCHEMA = Schema()


def row(step: int, time: float | None = None, **values: str) -> bytes:
    cells = {**values, "_step": str(step)} | ({} if time is None else {"_timestamp": repr(time)})
    return record(step + 1, [item(key.split("__"), value) for key, value in cells.items()], step)


def rows_in_pieces(*pieces: list[bytes], max_keys: int = 100) -> History:
    found = History(max_keys)
    for piece in pieces:
        found.add(read_rows(piece, SCHEMA))
    return found


def test_times_and_steps_over_several_pieces() -> None:
    found = rows_in_pieces(
        [row(0, None, a="1"), row(1, 101.0, a="2")], [], [row(2, 102.0, b="3"), row(4, 104.0, a="4")]
    )
    assert (found.rows, found.order.first, found.order.last) == (4, 0, 4)
    assert (found.first_time, found.last_time) == (102, 104)  # the first row of a piece has a time or has none
    a, b = found.summaries()["a"], found.summaries()["b"]
    assert (a.count, a.first_step, a.last_step, a.first, a.last) == (3, 0, 4, 1, 4)
    assert (b.count, b.first_step, b.last_step) == (1, 2, 2)


def test_the_first_time_stays_the_first_and_the_last_known_the_last() -> None:
    found = rows_in_pieces([row(0, 100.0, a="1")], [row(1, 101.0, a="1")], [row(2, None, a="1")])
    assert (found.first_time, found.last_time) == (100, 101)


def test_numbers_and_texts_of_one_metric_keep_their_steps() -> None:
    found = rows_in_pieces([row(0, a="1"), row(1, a='"x"'), row(2), row(3, a="null"), row(4, a="5")])
    a = found.summaries()["a"]
    assert (a.count, a.types) == (4, {"number": 2, "string": 1, "null": 1})
    assert (a.first_step, a.last_step, a.sketch) == (0, 4, ((0, 1), (4, 5)))


def test_a_media_object_is_one_series_of_its_type() -> None:
    found = rows_in_pieces(
        [row(step, img___type='"image-file"', img__size="5", imgs="1", other__type="2") for step in range(2)]
    ).summaries()
    assert sorted(found) == ["img", "imgs", "other.type"]
    assert (found["img"].key, found["img"].types, found["img"].count) == ("img", {"image-file": 2}, 2)


def test_an_object_whose_type_is_no_text_is_a_dictionary() -> None:
    found = rows_in_pieces([row(0, thing___type="7", thing__x="5")]).summaries()
    assert {key: series.types for key, series in found.items()} == {"thing": {"dict": 1}}


def test_metrics_that_do_not_fit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MAX_DROPPED_KEYS", 3)
    wide = [row(0, **{f"k{number}": "1" for number in range(4)})]
    found = rows_in_pieces(wide, [row(1, k0="2", k3="2")], max_keys=2)
    assert (sorted(found.summaries()), found.dropped_keys) == (["k0", "k1"], 2)
    assert found.summaries()["k0"].count == 2
    found.add(read_rows([row(2, **{f"k{number}": "1" for number in range(9)})], SCHEMA))
    assert found.dropped_keys == 3


def test_metrics_beyond_the_first_ones_are_coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_FINE_SERIES", 1)
    found = rows_in_pieces([row(step, a="1", b="1") for step in range(150)]).summaries()
    assert len(found["a"].sketch) == 150
    assert 10 <= len(found["b"].sketch) <= 20
