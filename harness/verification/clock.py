"""Times the phases of a verification."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.evidence.models import Span


class Clock:
    """Notes when each phase began and ended, in unix seconds."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase, also one that ends in an exception."""
        start, begun = time.time(), time.monotonic()
        try:
            yield
        finally:  # the clock of the day may be set meanwhile
            self.spans.append(Span(name=name, start=start, end=start + time.monotonic() - begun))
