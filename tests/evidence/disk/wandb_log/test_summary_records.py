"""Tests of reducing summary records: the quick ways must leave what applying all of them leaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.disk.wandb_log import wire
from harness.evidence.disk.wandb_log.flat import FlatDict
from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.summary_records import Change, latest
from tests.evidence.disk.wandb_log.logfile import item, message, summary

SCHEMA = Schema()


def one_by_one(payloads: list[bytes]) -> dict[str, object]:
    flat = FlatDict()
    for payload in payloads:
        for updated in wire.items(payload, wire.SUMMARY):
            flat.update(updated.path, updated.value)
        for removed in wire.items(payload, wire.SUMMARY, 2):
            flat.remove(removed.path)
    return dict(flat.entries)


def in_bulk(payloads: list[bytes]) -> dict[str, object]:
    flat = FlatDict()
    changes, bad = latest(payloads, SCHEMA)
    assert bad == []
    apply(flat, changes)
    return dict(flat.entries)


def apply(flat: FlatDict, changes: list[Change]) -> None:
    for change in changes:
        if change.value is None:
            flat.remove(change.path)
        else:
            flat.update(change.path, change.value)


def of_core(step: int) -> list[bytes]:
    """The two records that wandb-core writes for each step."""
    runtime = [item(["_wandb", "runtime"], str(step // 9)), item(["_runtime"], str(step // 9), nested=False)]
    metrics = [item(["loss"], str(1 / (step + 1))), item(["_runtime"], f"{step}.5"), item(["_step"], str(step))]
    return [summary(2 * step + 1, runtime), summary(2 * step + 2, metrics)]


def test_what_wandb_core_writes() -> None:
    payloads = [payload for step in range(200) for payload in of_core(step)]
    expected = {"_wandb.runtime": 22, "_runtime": 199.5, "_step": 199, "loss": 1 / 200}
    assert in_bulk(payloads) == expected == one_by_one(payloads)
    assert len(latest(payloads, SCHEMA)[0]) == len(expected)  # of a thousand


def test_the_run_time_at_the_end_wins() -> None:
    payloads = [payload for step in range(50) for payload in of_core(step)]
    payloads.append(of_core(900)[0])
    assert in_bulk(payloads)["_runtime"] == 100


def test_a_key_seen_long_ago_is_kept() -> None:
    payloads = [summary(1, [item(["best"], "3"), item(["deep", "er"], "4")])]
    payloads += [payload for step in range(200) for payload in of_core(step)]
    assert in_bulk(payloads) == one_by_one(payloads)
    assert in_bulk(payloads)["best"] == 3
    assert in_bulk(payloads)["deep.er"] == 4
    assert len(latest(payloads, SCHEMA)[0]) < 100  # of a thousand


def test_a_key_in_long_and_short_records_has_the_value_of_the_last() -> None:
    long = [item([name, name], "0") for name in ("a", "_wandb", "a" * 20, "b" * 20)]
    payloads = [summary(1, long), summary(2, [item(["_wandb", "_wandb"], "1")])]
    payloads += [summary(number, []) for number in range(3, 22)]
    assert in_bulk(payloads) == one_by_one(payloads)
    assert in_bulk(payloads)["_wandb._wandb"] == 1


@pytest.mark.parametrize("nested", [True, False])
def test_plain_keys_seen_long_ago_have_their_last_value(nested: bool) -> None:
    payloads = [summary(1, [item(["best"], value, nested=nested)]) for value in ("3", "4")]
    payloads += [summary(step, [item(["loss"], str(step), nested=nested)]) for step in range(100)]
    assert in_bulk(payloads) == {"best": 4, "loss": 99}
    assert len(latest(payloads, SCHEMA)[0]) <= 4


def test_plain_keys_of_both_spellings_seen_long_ago() -> None:
    payloads = [summary(1, [item(["a"], "1"), item(["b"], "2", nested=False)])]
    payloads += [summary(step, [item(["loss"], str(step))]) for step in range(100)]
    assert in_bulk(payloads) == {"a": 1, "b": 2, "loss": 99}
    assert len(latest(payloads, SCHEMA)[0]) <= 6


@pytest.mark.parametrize("key", [["a"], ["_wandb", "x"]])
@pytest.mark.parametrize("extra", ["", "long enough to be no record of the run time"])
def test_keys_removed_long_ago_are_gone(key: list[str], extra: str) -> None:
    payloads = [
        summary(1, [item(key, "1"), item(["b"], "2"), item(["text"], f'"{extra}"')]),
        summary(2, [message(b"\x12", item(key, "")[2:])]),
    ]
    payloads += [summary(step, [item(["loss"], str(step))]) for step in range(100)]
    assert in_bulk(payloads) == {"b": 2, "text": extra, "loss": 99}


@pytest.mark.parametrize("first", [["t"], ["t", "x"]])
def test_a_key_above_another_has_whichever_value_came_last(first: list[str]) -> None:
    second = ["t", "x"] if len(first) == 1 else ["t"]
    for order in ((first, second), (first, second, first), (second, first, second, first)):
        payloads = [summary(number, [item(path, "1")]) for number, path in enumerate(order)]
        payloads += [summary(step, [item(["loss"], str(step))]) for step in range(100)]
        assert in_bulk(payloads) == {".".join(order[-1]): 1, "loss": 99}


def test_run_times_that_come_again_are_in_order() -> None:
    times = [summary(1000, [item(["_wandb", "runtime"], value)]) for value in ("1", "2", "1")]
    others = [summary(step, [item(["loss"], f"{step}" + " " * 60)]) for step in range(100)]
    assert in_bulk(times + others) == {"_wandb.runtime": 1, "loss": 99}


def test_a_broken_record_of_the_run_time_costs_no_other() -> None:
    payloads = [payload for step in range(50) for payload in of_core(step)]
    payloads[10] = payloads[10][:-1]
    changes, bad = latest(payloads, SCHEMA)
    assert bad == [10]
    flat = FlatDict()
    apply(flat, changes)
    assert flat.entries == one_by_one([*payloads[:10], *payloads[11:]])


def test_removed_keys_are_gone() -> None:
    payloads = [
        summary(1, [item(["a"], "1"), item(["b", "c"], "2"), item(["d"], "3")]),
        summary(2, [message(b"\x12", item(["b"], "")[2:])]),
    ]
    assert in_bulk(payloads) == {"a": 1, "d": 3}


def test_a_value_replaces_what_was_below_it() -> None:
    payloads = [summary(1, [item(["a", "b"], "1"), item(["a", "c"], "2")]), summary(2, [item(["a"], "5")])]
    assert in_bulk(payloads) == {"a": 5}


def test_a_broken_record_costs_no_other() -> None:
    payloads = [summary(1, [item(["a"], "1")]), summary(2, [item(["b"], "2")])[:-1], summary(3, [item(["c"], "3")])]
    changes, bad = latest(payloads, SCHEMA)
    assert bad == [1]
    assert [change.path for change in changes] == [(b"a",), (b"c",)]


KEYS = st.lists(st.sampled_from(["a", "b", "c", "_wandb", "runtime"]), min_size=1, max_size=2)


@given(
    st.lists(st.lists(st.tuples(KEYS, st.integers(0, 9), st.booleans()), max_size=4), max_size=60),
    st.sampled_from(["", " " * 40]),
)
def test_bulk_and_one_by_one_agree(updates: list[list[tuple[list[str], int, bool]]], room: str) -> None:
    payloads = [
        summary(number + 1, [item(path, f"{value}{room}", nested=nested) for path, value, nested in one])
        for number, one in enumerate(updates)
    ]
    assert in_bulk(payloads) == one_by_one(payloads)


def test_what_only_protobuf_takes_costs_one_record() -> None:
    group = message(b"\x0a", b"\x1b\x1c" + message(b"\x12", b"a") + message(b"\x12", b"b") + message(b"\x82\x01", b"1"))
    changes, bad = latest([summary(1, [item(["a"], "1")]), summary(2, [group])], SCHEMA)
    assert bad == [1]
    assert changes == [Change((b"a",), b"1")]
