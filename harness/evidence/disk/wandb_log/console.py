"""Puts the captured console output together: counts lines, keeps the last ones."""

from __future__ import annotations

from collections import deque
from typing import Literal

from harness.evidence.disk.wandb_log.values import clean_text
from harness.evidence.models.wandb_log import ConsoleLine

TAIL_LINES = 200
LINE_CHARACTERS = 500
# An unfinished line longer than this keeps its beginning only.
_MAX_PENDING = 8 * 1024


class _Stream:
    """One of stdout and stderr; the SDK records pieces, not lines."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self.name = name
        self.pending = ""
        self.time: float | None = None


class Console:
    """The console output of a run."""

    def __init__(self) -> None:
        self.lines = 0
        self._tail: deque[ConsoleLine] = deque(maxlen=TAIL_LINES)
        self._streams = (_Stream("stderr"), _Stream("stdout"))

    def add(self, *, is_stdout: bool, time: float, text: str) -> None:
        """Take a piece of output; `time` in Unix seconds."""
        stream = self._streams[is_stdout]
        *whole, rest = text.split("\n")
        for line in whole:
            self._finish(stream, line, time)
        if rest:
            stream.pending = (stream.pending + rest)[:_MAX_PENDING]
            stream.time = time

    def _finish(self, stream: _Stream, line: str, time: float) -> None:
        self.lines += 1
        self._tail.append(_line(stream.name, time, stream.pending + line))
        stream.pending = ""

    def result(self) -> tuple[int, tuple[ConsoleLine, ...]]:
        """Return how many lines there are, and the last ones; a line without its end counts."""
        open_lines = [_line(stream.name, stream.time, stream.pending) for stream in self._streams if stream.pending]
        return self.lines + len(open_lines), (*self._tail, *open_lines)[-TAIL_LINES:]


def _line(name: Literal["stdout", "stderr"], time: float | None, text: str) -> ConsoleLine:
    # A progress bar overwrites itself after each carriage return: what stayed visible is the last state.
    shown = text.rstrip("\r").rpartition("\r")[2]
    return ConsoleLine(stream=name, time=time, line=clean_text(shown, LINE_CHARACTERS))
