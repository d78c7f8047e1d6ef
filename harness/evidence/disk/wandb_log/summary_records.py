"""Reduces many summary records to what they leave behind: the last value of each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from google.protobuf.message import DecodeError

from harness.evidence.disk.wandb_log import wire
from harness.evidence.disk.wandb_log.columns import LARGE

if TYPE_CHECKING:
    from harness.evidence.disk.wandb_log.schema import Schema

_REMOVE = 2
# wandb-core writes a short record with the run time, a nested key, before each summary.
_SDK_KEY = b"\x06_wandb"
_SDK_RECORD = 64
_AFTER_NUMBER = 6
# How many of the last records are looked through before all of them are.
_LOOK_BACK = 16
_MAX_PARTS = 100


class Change(NamedTuple):
    """A key's new value, or its removal."""

    path: tuple[bytes, ...]
    value: bytes | None


# Stands for a record that is broken: it makes the caller take all of them apart.
_BROKEN = [Change((), None)]


def latest(payloads: Sequence[bytes], schema: Schema) -> tuple[list[Change], list[int]]:
    """Return the changes that summary records amount to, and which records cannot be decoded.

    Args:
        payloads: serialized `Record`s that hold a summary record, in order.
        schema: the bulk parsers.
    """
    if not payloads:
        return [], []
    if max(map(len, payloads)) <= LARGE:
        changes = _last_values(payloads, schema)
        if changes is not None:
            return changes, []
    changes, bad = [], []
    for index, payload in enumerate(payloads):
        one = _changes(payload)
        if one is None:
            bad.append(index)
        else:
            changes.extend(one)
    return changes, bad


def _changes(payload: bytes) -> list[Change] | None:
    """Return the changes of one record, None where it is broken."""
    try:
        updates = [Change(item.path, item.value) for item in wire.items(payload, wire.SUMMARY)]
        removals = [Change(item.path, None) for item in wire.items(payload, wire.SUMMARY, _REMOVE)]
    except wire.WireError:
        return None
    return updates + removals


def _last_values(payloads: Sequence[bytes], schema: Schema) -> list[Change] | None:
    """Find the last values without taking every record apart; None where keys are removed, or broken."""
    metrics: list[bytes] = []
    others: dict[bytes, bytes] = {}
    for payload in payloads:
        if len(payload) > _SDK_RECORD or _SDK_KEY not in payload:
            metrics.append(payload)
        else:
            # The run time repeats for a second: few of these differ in more than the record's number.
            others.pop(payload[_AFTER_NUMBER:], None)
            others[payload[_AFTER_NUMBER:]] = payload
    other_changes: list[Change] = []
    for payload in others.values():
        other_changes.extend(_changes(payload) or _BROKEN)
    try:
        columns = schema.flat(schema.join(metrics)).record.summary
    except DecodeError:
        return None
    if columns.remove or any(change.value is None for change in other_changes):
        return None
    items = columns.items
    keys, nested_keys = list(items.key), list(items.nested_key)
    # Each metric's key has one part, unless there are more parts than values.
    plain = len(keys) + len(nested_keys) == len(items.value)
    paths: set[tuple[bytes, ...]] | None = None
    if plain:
        paths = {(key,) for key in {*keys, *nested_keys}}
        paths.update(change.path for change in other_changes)
    found, complete = _look_back(payloads, paths)
    recent = list(reversed(found.values()))
    if complete:
        return recent
    if plain and not (keys and nested_keys):
        last = dict(zip(nested_keys or keys, list(items.value), strict=True))
        changes = [Change((key,), value) for key, value in last.items()]
    else:
        raws = schema.raw(schema.join(metrics)).record.summary.items
        raw_of = {raw[: raw.find(wire.VALUE_TAG)]: raw for raw in raws}
        try:
            changes = [Change(*wire.item(raw)) for raw in raw_of.values()]
        except wire.WireError:
            return None
    return _joined(other_changes, changes, recent)


def _joined(others: list[Change], metrics: list[Change], recent: list[Change]) -> list[Change] | None:
    """Join both kinds; None where only the order of all records tells which of two values stays."""
    paths = {change.path for change in metrics}
    unsure = {change.path for change in others} - {change.path for change in recent}
    if not unsure.isdisjoint(paths) or _nested(paths | unsure):
        return None
    # What was found among the last records comes last: there the order between the two kinds is known.
    return others + metrics + recent


def _nested(paths: set[tuple[bytes, ...]]) -> bool:
    """Whether one key lies below another, so that each takes the other's value away."""
    return any(path[:end] in paths for path in paths for end in range(1, min(len(path), _MAX_PARTS)))


def _look_back(
    payloads: Sequence[bytes], paths: set[tuple[bytes, ...]] | None
) -> tuple[dict[tuple[bytes, ...], Change], bool]:
    """Return the last change of each path among the last records, and whether these are all `paths`."""
    found: dict[tuple[bytes, ...], Change] = {}
    for payload in payloads[: -_LOOK_BACK - 1 : -1]:
        for change in reversed(_changes(payload) or []):
            found.setdefault(change.path, change)
        if paths is not None and paths <= found.keys():
            return found, True
    return found, False
