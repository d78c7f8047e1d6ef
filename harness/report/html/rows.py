"""Rows of names and values, as the report lists facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.evidence.redaction.visible import clean


@dataclass(frozen=True)
class Row:
    """A name and its value."""

    name: str
    value: str
    url: str | None = None


def told(facts: Mapping[str, object]) -> Iterable[Row]:
    """A row for each fact that is known."""
    return (Row(name, clean(value, 600)) for name, value in facts.items() if value not in (None, ""))
