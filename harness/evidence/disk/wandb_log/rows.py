"""Decodes history records in bulk: quickly where their keys are plain, which is nearly always."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from harness.evidence.disk.wandb_log import wire
from harness.evidence.disk.wandb_log.columns import LARGE, Columns, add_samples, parse_integers, parse_numbers
from harness.evidence.disk.wandb_log.exact import read_any
from harness.evidence.disk.wandb_log.values import key_name

if TYPE_CHECKING:
    from harness.evidence.disk.wandb_log.schema import Schema


class _Growing(dict[bytes, Callable[[bytes], None]]):
    """Maps a key to the `append` of its list, making the list on first sight."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[bytes, list[bytes]] = {}

    def __missing__(self, key: bytes) -> Callable[[bytes], None]:
        values: list[bytes] = []
        self.lists[key] = values
        self[key] = values.append
        return values.append


def read_rows(payloads: Sequence[bytes], schema: Schema) -> Columns:
    """Decode history records.

    Args:
        payloads: serialized `Record`s that hold a history record.
        schema: the bulk parsers.
    """
    if not payloads:
        return Columns()
    return read_alike(payloads, schema) or read_any(payloads, schema)


def read_alike(payloads: Sequence[bytes], schema: Schema) -> Columns | None:
    """Decode rows of plain keys that all hold a step, None where they do not."""
    if max(map(len, payloads)) > LARGE:
        return None
    try:
        items = schema.flat(schema.join(payloads)).record.history.items
    except DecodeError:
        return None
    if len(items.key) and len(items.nested_key):
        return None
    keys, values = list(items.nested_key) or list(items.key), list(items.value)
    if len(keys) != len(values):
        return None
    found = _Growing()
    for key, value in zip(keys, values, strict=True):
        found[key](value)
    count, lists = len(payloads), found.lists
    steps = parse_integers(lists.pop(b"_step", []))
    times = parse_numbers(lists.pop(b"_timestamp", []))
    if steps is None or len(steps) != count or times is None or len(times) not in (0, count):
        return None
    lists.pop(b"_runtime", None)
    columns = Columns(steps, times or array("d", [math.nan]) * count)
    gaps = {key for key, texts in lists.items() if len(texts) != count}
    rows = _rows_with(gaps, keys, payloads) if gaps else {}
    if rows is None:
        return None
    for key, texts in lists.items():
        add_samples(columns, key_name([key]), rows.get(key), texts)
    return columns


def _rows_with(gaps: set[bytes], keys: list[bytes], payloads: Sequence[bytes]) -> dict[bytes, list[int]] | None:
    """Return in which rows those keys are, None where that cannot be told.

    Args:
        gaps: the keys that some rows lack.
        keys: the keys of all rows, one behind the other, one for each value.
        payloads: the records of the rows.
    """
    # The tag's bytes may be in other places too, but then there would be more of them than values.
    counts = [payload.count(wire.VALUE_TAG) for payload in payloads]
    if sum(counts) != len(keys):
        return None
    ends = list(accumulate(counts))
    rows: dict[bytes, list[int]] = {key: [] for key in gaps}
    for position, key in enumerate(keys):
        if key in rows:
            rows[key].append(bisect_right(ends, position))
    return rows
