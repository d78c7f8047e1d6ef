"""Tests of keeping config and summary flat."""

from __future__ import annotations

import pytest

from harness.evidence.disk.wandb_log import flat
from harness.evidence.disk.wandb_log.flat import FlatDict


def test_a_value_replaces_all_below_it_however_deep() -> None:
    found = FlatDict()
    found.update((b"a", b"b", b"c"), b"1")
    found.update((b"ab",), b"2")
    found.update((b"a",), b"5")
    assert found.entries == {"ab": 2, "a": 5}
    found.update((b"a",), b'{"x": {"y": 1}, "z": 2}')
    assert found.entries == {"ab": 2, "a.x.y": 1, "a.z": 2}
    found.update((b"a", b"x"), b"3")
    assert found.entries == {"ab": 2, "a.z": 2, "a.x": 3}
    found.update((b"a",), b'{"w": 1}')
    assert found.entries == {"ab": 2, "a.w": 1}


def test_of_several_keys_below_another_all_go() -> None:
    for names in ([b"x", b"y"], [b"x", b"y", b"z"]):
        found = FlatDict()
        for name in names:
            found.update((b"t", name), b"1")
        found.remove((b"t", b"x"))
        found.update((b"t",), b"5")
        assert found.entries == {"t": 5}


def test_what_stands_below_a_key_replaces_its_value() -> None:
    found = FlatDict()
    found.update((b"t",), b"5")
    found.update((b"t", b"x", b"y"), b"1")
    assert found.entries == {"t.x.y": 1}
    found.update((b"t", b"x", b"z"), b"2")
    found.update((b"t", b"x"), b"3")
    assert found.entries == {"t.x": 3}


def test_a_key_with_a_dot_in_its_name_is_no_nested_one() -> None:
    found = FlatDict()
    for _ in range(2):
        found.update((b"loss.aux",), b"1")
        found.update((b"loss",), b"2")
    assert found.entries == {"loss.aux": 1, "loss": 2}
    found.remove((b"loss",))
    assert found.entries == {"loss.aux": 1}
    found.update((b"",), b"3")
    assert found.entries == {"loss.aux": 1, "": 3}


def test_what_is_removed_takes_all_below_it_along() -> None:
    found = FlatDict()
    for path in ((b"a", b"x"), (b"a", b"b", b"c"), (b"a", b"b", b"d"), (b"ab",)):
        found.update(path, b"1")
    found.remove((b"a", b"b"))
    assert found.entries == {"a.x": 1, "ab": 1}
    found.remove((b"ab",))
    assert found.entries == {"a.x": 1}


def test_keys_that_do_not_fit_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "MAX_ENTRIES", 3)
    found = FlatDict()
    for name in (b"a", b"b", b"c", b"d", b"d", b"e"):
        found.update((name,), b"1")
    found.update((b"b",), b"2")
    assert (found.entries, found.dropped) == ({"a": 1, "b": 2, "c": 1}, 2)
    for name in (b"f", b"g", b"h"):
        found.update((name,), b"1")
    assert found.dropped == 3
