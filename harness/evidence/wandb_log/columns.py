"""Turns many history records into columns, one per metric: quickly where they are alike, exactly always."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import gt, itemgetter
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from pydantic_core import from_json

from harness.evidence.wandb_log import wire
from harness.evidence.wandb_log.values import NotJson, as_number, key_name, kind_of, leaves, parse_json

if TYPE_CHECKING:
    from harness.evidence.wandb_log.schema import Schema

# Beyond this, records and values are taken one by one: parsed at once, hostile ones could fill the memory.
_LARGE = 1024 * 1024
# A record { history { item {} } } before each row, framed as `Schema.join` does it: the item marks the row.
_ROW_MARK = b"\x0a\x04\x12\x02\x0a\x00"
_BEYOND_INT64 = 2**63
_VALUE_TAG = b"\x82\x01"  # field 16, bytes


@dataclass
class Column:
    """The samples of one metric in consecutive rows.

    `rows`: the row of each number, None where every row has one. `odd`: (row, kind, text) of what is no
    number; the text only of strings, shortened.
    """

    rows: list[int] | None
    numbers: array[float]
    odd: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class Columns:
    """Consecutive rows: `steps` and `times` (Unix seconds, NaN where not known) have one entry per row."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    cells: dict[str, Column] = field(default_factory=dict)
    # Which of the given records are no rows, since they cannot be decoded.
    bad: list[int] = field(default_factory=list)


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


def read_rows(payloads: Sequence[bytes], schema: Schema, last_step: int = -1) -> Columns:
    """Decode history records.

    Args:
        payloads: serialized `Record`s that hold a history record.
        schema: the bulk parsers.
        last_step: the step before the first row, for rows that name none.
    """
    if not payloads:
        return Columns()
    return read_alike(payloads, schema) or read_any(payloads, schema, last_step)


def read_alike(payloads: Sequence[bytes], schema: Schema) -> Columns | None:
    """Decode rows of plain keys that all hold a step, None where they do not."""
    if max(map(len, payloads)) > _LARGE:
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
    steps = _integers(lists.pop(b"_step", []))
    times = _numbers(lists.pop(b"_timestamp", []))
    if steps is None or len(steps) != count or times is None or len(times) not in (0, count):
        return None
    lists.pop(b"_runtime", None)
    columns = Columns(steps, times or array("d", [math.nan]) * count)
    gaps = {key for key, texts in lists.items() if len(texts) != count}
    rows = _rows_with(gaps, keys, payloads) if gaps else {}
    if rows is None:
        return None
    for key, texts in lists.items():
        _add(columns, key_name([key]), rows.get(key), texts)
    return columns


def _rows_with(gaps: set[bytes], keys: list[bytes], payloads: Sequence[bytes]) -> dict[bytes, list[int]] | None:
    """Return in which rows those keys are, None where that cannot be told.

    Args:
        gaps: the keys that some rows lack.
        keys: the keys of all rows, one behind the other, one for each value.
        payloads: the records of the rows.
    """
    # The tag's bytes may be in other places too, but then there would be more of them than values.
    counts = [payload.count(_VALUE_TAG) for payload in payloads]
    if sum(counts) != len(keys):
        return None
    ends = list(accumulate(counts))
    rows: dict[bytes, list[int]] = {key: [] for key in gaps}
    for position, key in enumerate(keys):
        if key in rows:
            rows[key].append(bisect_right(ends, position))
    return rows


def read_any(payloads: Sequence[bytes], schema: Schema, last_step: int) -> Columns:
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
    columns.steps = _steps(named.pop("_step", []), good, last_step)
    named.pop("_runtime", None)
    for name, samples in named.items():
        for rows, texts in samples:
            everywhere = len(rows) == count and rows == list(range(count))
            _add(columns, name, None if everywhere else rows, texts)
    _sort(columns)
    return columns


def _steps(samples: _Samples, payloads: Sequence[bytes], last_step: int) -> array[int]:
    """Return the step of each row: from the item, the record's own field, or counted on."""
    if len(samples) == 1 and len(samples[0][0]) == len(payloads):
        quick = _integers(samples[0][1])
        if quick is not None and samples[0][0] == list(range(len(payloads))):
            return quick
    found = {row: value for row, value in _values(samples) if isinstance(value, int) and abs(value) < _BEYOND_INT64}
    steps = array("q")
    for row, payload in enumerate(payloads):
        step = found[row] if row in found else wire.history_step(payload)
        # No SDK leaves the step out; then the row counts as the next one.
        last_step = min(last_step + 1, _BEYOND_INT64 - 1) if step is None else step
        steps.append(last_step)
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
        cut = raw.find(_VALUE_TAG)
        cell = found.get(raw[:cut])
        if cell is None:
            cell = found[raw[:cut]] = ([], [])
        cell[0].append(row)
        cell[1].append(raw[cut:])
    named: dict[str, _Samples] = {}
    for prefix, (rows, tails) in found.items():
        path = wire.whole_path(prefix)
        texts = None
        if path is not None:
            # Nearly always the length is one byte, and the value ends the item.
            texts = [
                tail[3:] if tail[2] < 0x80 and len(tail) == tail[2] + 3 else wire.only_value(tail) for tail in tails
            ]
        if path is not None and texts is not None and None not in texts:
            named.setdefault(key_name(path), []).append((rows, [text or b"" for text in texts]))
            continue
        for at, tail in zip(rows, tails, strict=True):
            item = wire.item(prefix + tail)
            named.setdefault(key_name(item.path), []).append(([at], [item.value]))
    return named


def _raw_items(payloads: Sequence[bytes], schema: Schema) -> list[bytes]:
    """Return the serialized items of all rows, an empty one before each row.

    Raises:
        WireError: a record is broken, very large, or has empty items of its own.
    """
    if max(map(len, payloads)) <= _LARGE:
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


def _numbers(texts: list[bytes]) -> array[float] | None:
    """Parse JSON texts all at once; None where one is not a number."""
    joined = b",".join(texts)
    # true, false and null must not pass as numbers.
    if b"r" in joined or b"l" in joined or len(joined) > _LARGE:
        return None
    try:
        parsed = from_json(b"[" + joined + b"]")
        return array("d", parsed) if len(parsed) == len(texts) else None
    except (ValueError, TypeError, OverflowError):
        return None


def _integers(texts: list[bytes]) -> array[int] | None:
    """Parse JSON texts all at once; None where one is not a 64-bit integer."""
    joined = b",".join(texts)
    if b"r" in joined or b"l" in joined or len(joined) > _LARGE:
        return None
    try:
        parsed = from_json(b"[" + joined + b"]")
        return array("q", parsed) if len(parsed) == len(texts) else None
    except (ValueError, TypeError, OverflowError):
        return None


def _add(columns: Columns, name: str, rows: list[int] | None, texts: list[bytes]) -> None:
    """Take the samples of one key; `rows` None means every row in order."""
    numbers = _numbers(texts)
    if numbers is not None and name not in columns.cells:
        columns.cells[name] = Column(rows, numbers)
        return
    for row, text in zip(range(len(texts)) if rows is None else rows, texts, strict=True):
        value = parse_json(text)
        if isinstance(value, NotJson):
            _column(columns, name)[1].odd.append((row, value.kind, ""))
            continue
        for leaf, inner in leaves(name, value):
            number = as_number(inner)
            at, column = _column(columns, leaf)
            if number is None:
                column.odd.append((row, kind_of(inner), inner[:100] if isinstance(inner, str) else ""))
            else:
                at.append(row)
                column.numbers.append(number)


def _column(columns: Columns, name: str) -> tuple[list[int], Column]:
    """Return a column with its rows written out."""
    column = columns.cells.setdefault(name, Column([], array("d")))
    if column.rows is None:
        column.rows = list(range(len(column.numbers)))
    return column.rows, column


def _sort(columns: Columns) -> None:
    """Put the samples of each column in the order of rows: two spellings of a key may share one."""
    for column in columns.cells.values():
        rows = column.rows
        if rows is not None and any(map(gt, rows, rows[1:])):
            order = sorted(zip(rows, column.numbers, strict=True), key=itemgetter(0))
            column.rows = [row for row, _ in order]
            column.numbers = array("d", [number for _, number in order])
        column.odd.sort(key=itemgetter(0))
