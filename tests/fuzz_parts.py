"""What the processes of a fuzz found, told together at its end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Part(NamedTuple):
    """What one process found."""

    statuses: Counter[Any]
    worst_s: float
    worst: str
    """What took longest: its number, by which it is made again."""
    peak_mb: float
    failure: str


def tell(parts: Sequence[Part], counted: Iterable[str], most_mb: int) -> int:
    """Print the counts, the slowest, the peak of memory and every failure; 1 if there is any, or too much memory."""
    worst = max(parts, key=lambda part: part.worst_s)
    peak = max(part.peak_mb for part in parts)
    failures = [part.failure for part in parts if part.failure]
    if peak > most_mb:
        failures.append(f"more than {most_mb} MB")
    slowest = f"slowest: {worst.worst_s * 1000:.0f} ms of processor time ({worst.worst})"
    sys.stdout.write("\n".join([*counted, slowest, f"peak memory: {peak:.0f} MB", *failures]) + "\n")
    return 1 if failures else 0
