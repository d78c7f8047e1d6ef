"""Finds Python tracebacks in a stream of lines, also where several ranks print at the same time."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.evidence.models.job import PythonError
from harness.evidence.output.lines import Line

Part: TypeAlias = Literal["frame", "message"]
"""Frames, headers and the words between chained exceptions; or an exception with its message."""

_MOST_ERRORS = 200
_MOST_OPEN = 32
_MOST_STREAMS = 2048
_MOST_FRAMES = 8
_MOST_MESSAGE_LINES = 12
_LONGEST_MESSAGE = 2000
_MOST_PREFIXES = 8
"""Ranks for which an exception that all of them raise is told separately."""
_PATIENCE = 500
"""Lines of other origin after which an unfinished traceback is given up."""

HEADER = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s+(File ".+?", line \d+(?:, in .+)?)')
# Exceptions that are not built in are printed with their module; those built in end in one of few words.
_EXCEPTION = re.compile(
    r"(?P<name>(?:[A-Za-z_]\w*\.)+(?:[A-Z]\w*|\w*error|timeout)"
    r"|Exception|[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Iteration|Warning|Group))(?:: ?(?P<message>.*))?$"
)
_BARE = re.compile(r"(?:Exception|(?:(?:[A-Za-z_]\w*\.)+\w*|[A-Z]\w*)(?:Error|Exception))(?:: |:?$)")
_CHAIN = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_GROUP_MARGIN = re.compile(r"\s*(?:\| |\+ (?=Exception Group)|\+-+ ?[\d.]* ?-*)")
# What cannot be part of an exception's message.
_OTHER = re.compile(
    r"[=*-]{10,}|wandb: |srun: |slurmstepd|Epoch \d|Accuracy: |Rank \d+ of |[EWIF]\d{4} \d\d:|\[?\d{4}-\d\d-\d\d[ T_]"
    r"|(?:INFO|WARNING|ERROR|DEBUG)\b|\S*:\d+: \w*Warning: |\[[EWIF]\d{3}| *\d+%\|"
)
_DIGITS = re.compile(r"\d+")
_REPEATED = re.compile(r"(.{3,}?)\1+|(: |\.)\2+")


@dataclass
class _Open:
    """A traceback that is being read; `exception` is empty until its last part came."""

    line: Line
    bare: bool = False
    """Without a header: then what follows is as likely something else."""
    frames: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_FRAMES))
    exception: str = ""
    message: list[str] = field(default_factory=list)
    last: int = 0
    """Number of the last line of the message."""
    empty: int = 0
    count: int = 1

    def error(self, scrub: Callable[[str], str]) -> PythonError:
        return PythonError(
            exception=self.exception,
            message=scrub("\n".join(self.message))[:_LONGEST_MESSAGE],
            line=self.line.number,
            rank=self.line.rank,
            local_rank=self.line.local_rank,
            frames=tuple(scrub(frame) for frame in self.frames),
            count=self.count,
        )


class Tracebacks:
    """Reads lines in order; each prefix (`[rank1]:`, `wandb:`) is a stream of its own."""

    def __init__(self) -> None:
        self._open: dict[str, list[_Open]] = {}
        self._found: dict[tuple[str, str, str], _Open] = {}
        self._prefixes: dict[tuple[str, str], int] = {}
        self._last_taken = 0

    @property
    def active(self) -> bool:
        """Whether the next line may belong to a traceback, whatever it looks like."""
        return bool(self._open)

    def take(self, line: Line) -> Part | None:
        """Read a line; say which part of a traceback it is, None where it is none."""
        if self._open and line.number - self._last_taken > _PATIENCE:
            self._open.clear()
        taken = self._take(line)
        if taken is not None:
            self._last_taken = line.number
        return taken

    def _take(self, line: Line) -> Part | None:
        stream, text = line.prefix, line.text
        if text.startswith("wandb:"):
            stream, text = f"{stream} wandb", text[7:].removeprefix("ERROR ")
        if self._open and (margin := _GROUP_MARGIN.match(text)):
            text = text[margin.end() :]
        if HEADER in text:
            self._begin(stream, line)
            return "frame"
        stack = self._open.get(stream)
        if stack:
            part = self._go_on(stack, line, text)
            if not stack:
                del self._open[stream]
            if part:
                return part
        if _BARE.match(text) and (match := _EXCEPTION.match(text)):
            if len(self._open) < _MOST_STREAMS:
                one = _Open(line, bare=True)
                self._open.setdefault(stream, []).append(one)
                self._name(one, line, match)
            return "message"
        return None

    def errors(self, scrub: Callable[[str], str]) -> tuple[PythonError, ...]:
        """Return what was found so far, in the order of the output; alike ones are one, counted.

        `scrub` takes secrets out of a text.
        """
        return tuple(one.error(scrub) for one in sorted(self._found.values(), key=lambda o: o.line.number))

    def _begin(self, stream: str, line: Line) -> None:
        stack = self._open.get(stream)
        if stack is None:
            if len(self._open) >= _MOST_STREAMS:
                return
            stack = self._open[stream] = []
        stack[:] = [one for one in stack if not one.exception][-_MOST_OPEN + 1 :]
        stack.append(_Open(line))

    def _go_on(self, stack: list[_Open], line: Line, text: str) -> Part | None:
        one = stack[-1]
        if one.exception:
            return self._message(one, stack, line, text)
        if text[:1].isspace():
            if match := _FRAME.match(text):
                one.frames.append(match[1])
            return "frame"
        if match := _exception(text, tangled=len(stack) > 1):
            self._name(one, line, match)
            return "message"
        return None

    def _name(self, one: _Open, line: Line, match: re.Match[str]) -> None:
        one.exception = match["name"]
        one.message = [match["message"] or ""]
        one.last = line.number
        shape = (one.exception, _DIGITS.sub("#", one.message[0]))
        prefix = one.line.prefix if self._prefixes.get(shape, 0) < _MOST_PREFIXES else ""
        key = (shape[0], shape[1], prefix)
        if known := self._found.get((shape[0], shape[1], one.line.prefix)) or self._found.get(key):
            known.count += 1
        elif len(self._found) < _MOST_ERRORS:
            self._prefixes[shape] = self._prefixes.get(shape, 0) + 1
            self._found[key] = one

    def _message(self, one: _Open, stack: list[_Open], line: Line, text: str) -> Part | None:
        if text in _CHAIN:
            stack.remove(one)
            return "frame"
        if not text:
            one.empty += 1
            if one.empty > 1:  # the sentence of a chain follows one empty line
                stack.remove(one)
            return None
        if _FRAME.match(text):  # another rank's, whose traceback began meanwhile
            return "frame"
        # Without a prefix, the next line but one is as likely another rank's.
        far = not line.prefix and line.number > one.last + 1
        far = far or (one.bare and not text[:1].isspace() and "validation error" not in one.message[0])
        if one.empty or far or len(one.message) > _MOST_MESSAGE_LINES or _OTHER.match(text) or _BARE.match(text):
            stack.remove(one)
            return self._go_on(stack, line, text) if stack else None
        one.message.append(text)
        one.last = line.number
        return "message"


def _exception(text: str, *, tangled: bool) -> re.Match[str] | None:
    """Match the line of an exception, also where several ranks wrote it into one another.

    Python writes the class, the colon and the message one by one, so ranks that fail at once in the same way give
    `ValueErrorValueError: : no datano data` or `ValueError: ValueErrorno data`.
    """
    match = _EXCEPTION.match(text)
    if not tangled:
        return match
    if match is None or _REPEATED.match(text):
        match = _EXCEPTION.match(_REPEATED.sub(lambda found: found[1] or found[2], text[:_LONGEST_MESSAGE])) or match
    if match and (message := match["message"] or "").startswith(match["name"]):
        rest = message.removeprefix(match["name"])
        if not rest.startswith(("(", ".", ":")):
            return _EXCEPTION.match(f"{match['name']}: {rest}")
    return match
