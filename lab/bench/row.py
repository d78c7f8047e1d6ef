"""One line of the table: what was measured beside what, and the target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """All fields are text with units, ready to print."""

    what: str
    measured: str
    beside: str
    result: str
    target: str
