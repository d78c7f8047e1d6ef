"""Cuts job output into blocks of whole lines, and lines into the launcher's prefix and the text."""

import re
from typing import NamedTuple

LONGEST_TEXT = 2000
"""Characters of a line that are kept."""
_LONGEST_RAW = 4 * LONGEST_TEXT
_LONGEST_LINE = 1 << 20

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
# torchrun --tee writes `[default0]:`, torch's excepthook `[rank0]: `, `srun -l` the task number.
_PREFIX = re.compile(r"\[(?P<role>[A-Za-z_]{1,20})(?P<index>\d{1,6})\]: ?| {0,3}\d{1,5}: (?=\S| {2,}\S)")


class Line(NamedTuple):
    """One line of output: `text` is without colour codes, NUL bytes, and the launcher's prefix."""

    number: int
    prefix: str
    text: str
    rank: int | None = None
    local_rank: int | None = None


def parse_line(number: int, raw: bytes) -> Line:
    """Decode a line; what is not UTF-8 becomes U+FFFD."""
    text = raw[:_LONGEST_RAW].decode("utf-8", "replace")
    if "\x00" in text:
        text = text.replace("\x00", "")
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    rank = local_rank = None
    at = 0
    while match := _PREFIX.match(text, at):
        if match["role"] == "rank":
            rank = int(match["index"])
        elif match["role"]:
            local_rank = int(match["index"])
        at = match.end()
    return Line(number, text[:at].strip(), text[at:].rstrip(), rank, local_rank)


def shorten(text: str) -> str:
    """Cut a text to the length that is kept."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


class Blocks:
    """Turns chunks of bytes into blocks that end with a line; holds back at most a mebibyte."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what is complete; a line without end is cut after its first kilobytes."""
        if self._skipping:
            end = chunk.find(b"\n")
            if end < 0:
                return b""
            chunk = chunk[end:]
            self._skipping = False
        data = self._rest + chunk if self._rest else chunk
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > _LONGEST_LINE:
            progress = data.rfind(b"\r", cut) + 1
            if progress:
                cut = progress
            else:
                data, cut = data[: cut + _LONGEST_RAW], cut + _LONGEST_RAW
                self._skipping = True
        self._rest = data[cut:]
        return data[:cut]

    def last(self) -> bytes:
        """Return the unfinished last line."""
        rest, self._rest, self._skipping = self._rest, b"", False
        return rest
