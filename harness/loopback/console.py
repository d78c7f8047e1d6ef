"""The console output of a run, kept line by line under the number that the SDK gives each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.loopback.jsontext import loads
from harness.loopback.rows import gap_before


@dataclass(frozen=True)
class ConsoleLine:
    """One line as `logLines` returns it; `level` is "error" for stderr, else empty."""

    number: int
    timestamp: str
    level: str
    label: str
    line: str


def parse_line(number: int, text: str) -> ConsoleLine:
    """Reads both forms that the SDK sends: JSON objects, and `[ERROR ]TIMESTAMP [LABEL] CONTENT`."""
    text = text.rstrip("\n")
    if text.startswith('{"'):
        try:
            fields = loads(text)
        except ValueError:
            fields = {}
        if "content" in fields and "ts" in fields:
            level, label = str(fields.get("level", "")), str(fields.get("label", ""))
            return ConsoleLine(number, str(fields["ts"]), level, label, str(fields["content"]))
    level = ""
    if text.startswith("ERROR "):
        level, text = "error", text.removeprefix("ERROR ")
    timestamp, _, content = text.partition(" ")
    return ConsoleLine(number, timestamp, level, "", content)


class ConsoleLog:
    """Lines by number; a progress bar sends the same number again and again, the last text stays."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.missing = 0

    def __len__(self) -> int:
        return len(self._lines)

    def write(self, offset: int, lines: Sequence[str]) -> None:
        """Stores lines from number `offset` on.

        Raises:
            ValueError: the offset is absurd.
        """
        gap = gap_before(offset, len(self._lines), self.missing)
        self.missing += gap
        self._lines.extend([""] * gap)
        self._lines[offset : offset + len(lines)] = lines

    def lines(self, first: int, end: int) -> list[ConsoleLine]:
        """Lines with numbers in [first, end) that exist."""
        first, end = max(0, first), min(end, len(self._lines))
        return [parse_line(number, self._lines[number]) for number in range(first, end)]

    def text(self) -> list[str]:
        """Every line without its timestamp."""
        return [line.line for line in self.lines(0, len(self._lines))]
