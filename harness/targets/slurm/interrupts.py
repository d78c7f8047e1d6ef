"""Turns ^C, SIGTERM and a closed terminal into KeyboardInterrupt, and holds it back where it would do harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Handlers for the time between submitting a job and leaving it; in threads other than the main one, nothing."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._held = 0
        self._came: signal.Signals | None = None

    def install(self) -> None:
        """Take the signals over; one that is ignored (nohup) stays ignored."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Give the signals back."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._came = signal.Signals(number)
        if not self._held:
            raise KeyboardInterrupt(self._came.name)

    @contextmanager
    def held(self, *, deliver: bool = True) -> Iterator[None]:
        """Hold interrupts back within the block; one that came is delivered at its end.

        Raises:
            KeyboardInterrupt: at the end, if one came meanwhile and `deliver` is set.
        """
        self._held += 1
        self._came = None
        try:
            yield
        finally:
            self._held -= 1
        if deliver and self._came and not self._held:
            raise KeyboardInterrupt(self._came.name)
