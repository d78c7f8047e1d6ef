"""Samples of many history rows as columns, one per metric, and how JSON texts become samples."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from operator import gt, itemgetter
from typing import Any, Literal

from pydantic_core import from_json

from harness.evidence.disk.wandb_log.values import NotJson, as_number, dotted, kind_of, leaves, parse_json

# Beyond this, records and values are taken one by one: parsed at once, hostile ones could fill the memory.
LARGE = 1024 * 1024


@dataclass
class Column:
    """The samples of one metric in consecutive rows.

    `rows`: the row of each number, None where each has only that. `odd`: (row, kind, text) of what is no
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


def parse_numbers(texts: list[bytes]) -> array[float] | None:
    """Parse JSON texts all at once; None where one is not a number."""
    return _parse(texts, "d")


def parse_integers(texts: list[bytes]) -> array[int] | None:
    """Parse JSON texts all at once; None where one is not a 64-bit integer."""
    return _parse(texts, "q")


def _parse(texts: list[bytes], kind: Literal["d", "q"]) -> array[Any] | None:
    joined = b",".join(texts)
    # true, false and null must not pass as numbers.
    if b"r" in joined or b"l" in joined or len(joined) > LARGE:
        return None
    try:
        parsed = from_json(b"[" + joined + b"]")
        return array(kind, parsed) if len(parsed) == len(texts) else None
    except (ValueError, TypeError, OverflowError):
        return None


def add_samples(columns: Columns, name: str, rows: list[int] | None, texts: list[bytes]) -> None:
    """Take the samples of one key; `rows` None means every row in order."""
    numbers = parse_numbers(texts)
    if numbers is not None and name not in columns.cells:
        columns.cells[name] = Column(rows, numbers)
        return
    for row, text in zip(range(len(texts)) if rows is None else rows, texts, strict=True):
        value = parse_json(text)
        if isinstance(value, NotJson):
            _column(columns, name)[1].odd.append((row, value.kind, ""))
            continue
        for key, inner in leaves((name,), value):
            number = as_number(inner)
            at, column = _column(columns, name if len(key) == 1 else dotted(key))
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


def sort_samples(columns: Columns) -> None:
    """Put the samples of each column in the order of rows: two spellings of a key may share one."""
    for column in columns.cells.values():
        rows = column.rows
        if rows is not None and any(map(gt, rows, rows[1:])):
            order = sorted(zip(rows, column.numbers, strict=True), key=itemgetter(0))
            column.rows = [row for row, _ in order]
            column.numbers = array("d", [number for _, number in order])
        column.odd.sort(key=itemgetter(0))
