"""Lets ^C, SIGTERM and SIGHUP end a verification in the same orderly way, from its first moment to its last."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Handlers for the length of a session; in threads other than the main one, nothing."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._closing = False
        self._held = 0
        self._waiting = False
        self.came: str | None = None
        """Name of the last signal that came."""

    def install(self) -> None:
        """Take the signals over; one that is ignored (nohup ignores SIGHUP) stays ignored."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)

    def close(self) -> None:
        """Let the first of each signal wait from now on: nothing runs any more, and the reports take but a moment."""
        self._closing = True

    def restore(self) -> None:
        """Give the signals back."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._closing:
            signal.signal(number, signal.SIG_DFL)  # a second one ends the process as it is
            return
        self.came = signal.Signals(number).name
        if self._held:
            self._waiting = True
            return
        raise KeyboardInterrupt(self.came)

    @contextmanager
    def held(self, *, deliver: bool = True) -> Iterator[None]:
        """Hold interrupts back within the block; one that came is delivered at its end.

        Raises:
            KeyboardInterrupt: at the end, if one came meanwhile and `deliver` is set.
        """
        self._held += 1
        self._waiting = False
        try:
            yield
        finally:
            self._held -= 1
        if deliver and self._waiting and not self._held:
            raise KeyboardInterrupt(self.came)
