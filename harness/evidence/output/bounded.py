"""Keeps the first and the last of a stream, and few of what looks alike, so that any amount of output fits."""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
_MOST_SHAPES = 4000


class Kept(Generic[T]):
    """The first `first` and the last `last` items, of each shape at most `alike` (0: any number)."""

    def __init__(self, first: int, last: int, alike: int = 0) -> None:
        self._first = first
        self._alike = alike
        self._head: list[T] = []
        self._tail: deque[T] = deque(maxlen=last)
        self._shapes: dict[Hashable, int] = {}
        self.total = 0

    def add(self, item: T, shape: Hashable = None) -> bool:
        """Take an item in; False where enough of its shape are kept already."""
        self.total += 1
        if self._alike:
            seen = self._shapes.get(shape, 0)
            if seen >= self._alike:
                return False
            if seen or len(self._shapes) < _MOST_SHAPES:
                self._shapes[shape] = seen + 1
        if len(self._head) < self._first:
            self._head.append(item)
        else:
            self._tail.append(item)
        return True

    def items(self) -> list[T]:
        """Return what was kept, in order."""
        return [*self._head, *self._tail]

    @property
    def newest(self) -> T | None:
        """The item that came last."""
        return self._tail[-1] if self._tail else self._head[-1] if self._head else None
