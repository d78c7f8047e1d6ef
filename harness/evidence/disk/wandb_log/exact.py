"""Decodes any history records item by item: slower than `rows`, but it takes all that is sound."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from harness.evidence.disk.wandb_log import wire
from harness.evidence.disk.wandb_log.columns import LARGE, Columns, add_samples, parse_integers, sort_samples
from harness.evidence.disk.wandb_log.values import NotJson, as_number, key_name, parse_json

if TYPE_CHECKING:
    from harness.evidence.disk.wandb_log.schema import Schema

# A record { history { item {} } } before each row, framed as `Schema.join` does it: the item marks the row.
_ROW_MARK = b"\x0a\x04\x12\x02\x0a\x00"
_BEYOND_INT64 = 2**63


def read_any(payloads: Sequence[bytes], schema: Schema) -> Columns:
    """Decode any rows, item by item."""
    columns = Columns()
    good = payloads
    try:
        named = _cells_by_name(_raw_items(payloads, schema))
    except wire.WireError:
        # One record after the other shows which is broken.
        taken = [wire.raw_items(payload, wire.HISTORY) for payload in payloads]
        columns.bad = [index for index, raws in enumerate(taken) if raws is None]
        good = [payload for payload, raws in zip(payloads, taken, strict=True) if raws is not None]
        named = _cells_by_name([raw for raws in taken if raws is not None for raw in (b"", *filter(None, raws))])
    count = len(good)
    columns.times = array("d", [math.nan]) * count
    for row, value in _values(named.pop("_timestamp", [])):
        columns.times[row] = math.nan if (number := as_number(value)) is None else number
    columns.steps = _steps(named.pop("_step", []), good)
    named.pop("_runtime", None)
    every_row = list(range(count))
    for name, samples in named.items():
        for rows, texts in samples:
            add_samples(columns, name, None if rows == every_row else rows, texts)
    sort_samples(columns)
    return columns


def _steps(samples: _Samples, payloads: Sequence[bytes]) -> array[int]:
    """Return the step of each row: from the item, the record's own field, or counted on."""
    if len(samples) == 1 and samples[0][0] == list(range(len(payloads))):
        quick = parse_integers(samples[0][1])
        if quick is not None:
            return quick
    found = {row: value for row, value in _values(samples) if isinstance(value, int) and abs(value) < _BEYOND_INT64}
    steps = array("q")
    for row, payload in enumerate(payloads):
        step = found[row] if row in found else wire.history_step(payload)
        # No SDK leaves the step out; then the row counts as the next one.
        following = min(steps[-1] + 1, _BEYOND_INT64 - 1) if steps else 0
        steps.append(following if step is None else step)
    return steps


_Samples = list[tuple[list[int], list[bytes]]]


def _cells_by_name(raws: list[bytes]) -> dict[str, _Samples]:
    """Return the samples (rows, texts) of each key, from serialized items with an empty one before each row.

    Raises:
        WireError: an item is broken.
    """
    found: dict[bytes, tuple[list[int], list[bytes]]] = {}
    row = -1
    for raw in raws:
        if not raw:
            row += 1
            continue
        # The bytes before the value are the same for the same key: no need to take them apart each time.
        cut = raw.find(wire.VALUE_TAG)
        cell = found.get(raw[:cut])
        if cell is None:
            cell = found[raw[:cut]] = ([], [])
        cell[0].append(row)
        cell[1].append(raw[cut:])
    named: dict[str, _Samples] = {}
    for prefix, (rows, tails) in found.items():
        path = wire.whole_path(prefix)
        texts = None if path is None else _texts(tails)
        if path is not None and texts is not None:
            named.setdefault(key_name(path), []).append((rows, texts))
            continue
        for at, tail in zip(rows, tails, strict=True):
            item = wire.item(prefix + tail)
            named.setdefault(key_name(item.path), []).append(([at], [item.value]))
    return named


def _texts(tails: list[bytes]) -> list[bytes] | None:
    """Return the values of one key, None where an item holds more than the one behind the key."""
    # Nearly always the length is one byte, and the value ends the item.
    texts = [tail[3:] if tail[2] < 0x80 and len(tail) == tail[2] + 3 else wire.only_value(tail) for tail in tails]
    return None if None in texts else [text or b"" for text in texts]


def _raw_items(payloads: Sequence[bytes], schema: Schema) -> list[bytes]:
    """Return the serialized items of all rows, an empty one before each row.

    Raises:
        WireError: a record is broken, very large, or has empty items of its own.
    """
    if max(map(len, payloads)) <= LARGE:
        try:
            schema.flat(schema.join(payloads))  # raises where an item is broken
            raws: list[bytes] = list(schema.raw(schema.join(payloads, _ROW_MARK)).record.history.items)
        except DecodeError as error:
            raise wire.WireError(str(error)) from None
        if raws.count(b"") == len(payloads):
            return raws
    raise wire.WireError("not to be taken at once")


def _values(samples: _Samples) -> Iterable[tuple[int, object]]:
    """Yield (row, value) of what can be parsed."""
    for rows, texts in samples:
        for row, text in zip(rows, texts, strict=True):
            value = parse_json(text)
            if not isinstance(value, NotJson):
                yield row, value
