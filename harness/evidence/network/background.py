"""Work in a thread of its own that nobody has to wait for: neither a resolver nor a trickling server keeps time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Background(Generic[T]):
    """The work starts at once; a thread that never ends is left behind and dies with the process."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._done = threading.Event()
        self._value: T | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(work,), name="background", daemon=True).start()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._value = work()
        except BaseException as error:  # noqa: BLE001 - carried over and raised where the result is wanted
            self._error = error
        finally:
            self._done.set()

    def result(self, seconds: float | None = None) -> T:
        """What the work returned or raised.

        Raises:
            TimeoutError: it is not done within that many seconds.
        """
        if not self._done.wait(None if seconds is None else max(seconds, 0.01)):
            raise TimeoutError(f"no answer within {seconds:.0f} s")
        if self._error is not None:
            raise self._error
        return cast("T", self._value)
