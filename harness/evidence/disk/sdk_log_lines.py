"""Reads records of the SDK's own logs: JSON lines of wandb-core, and the text lines of the Python SDK."""

import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.evidence.redaction.redactor import cut

_LONGEST_LINE = 1 << 16
_LONGEST_TEXT = 2000
_MOST_CONTINUED = 400
_TEXT = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d+)?) (?P<level>[A-Z]+) +\S.*?:(?P<pid>\d+) +\[[^\]]*\] ?(?P<text>.*)"
)
_NOT_SHOWN = frozenset({"time", "level", "msg", "error", "body", "status", "url"})
_LONGEST_VALUE = 300


class Record(NamedTuple):
    """One record; `fields` are the JSON fields, empty for text; `more` are the lines that followed a text record."""

    level: str
    text: str
    at: str | None
    fields: dict[str, Any]
    more: tuple[str, ...] = ()
    pid: int | None = None
    """The process that wrote a text record."""

    def shown(self) -> str:
        """The record as one text: the message, its error, and its other fields as `name=value`."""
        parts = [self.text.rstrip(": ")]
        if error := self.fields.get("error"):
            parts.append(f": {error}")
        shown = ("status", "url", "body", *(k for k in self.fields if k not in _NOT_SHOWN))
        values = ((name, self.fields.get(name)) for name in shown)
        parts.extend(f" {name}={cut(str(value), _LONGEST_VALUE)}" for name, value in values if value not in (None, ""))
        if self.more and not self.fields:
            parts.append(f": {self.more[-1]}")
        return cut("".join(parts), _LONGEST_TEXT)


def read_records(path: Path) -> Iterator[Record]:
    """Stream the records of a log; what is neither JSON nor a text record continues the record before it.

    Raises:
        OSError: the file cannot be read.
    """
    waiting: Record | None = None
    more: deque[str] = deque(maxlen=_MOST_CONTINUED)
    for line in _lines(path):
        record = parse_record(line)
        if record is None:
            if line.strip() and line != "NoneType: None":  # logging an exception where there is none
                more.append(line)
            continue
        if waiting or more:
            yield _with(waiting, more)
        waiting = record
        more.clear()
    if waiting or more:
        yield _with(waiting, more)


def parse_record(line: str) -> Record | None:
    """Parse one line; None where it begins no record."""
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict) or "msg" not in fields:
            return None
        at = fields.get("time")
        return Record(str(fields.get("level", "")), str(fields["msg"]), at if isinstance(at, str) else None, fields)
    match = _TEXT.match(line)
    return Record(match["level"], match["text"], match["at"], {}, pid=int(match["pid"])) if match else None


def _with(record: Record | None, more: Sequence[str]) -> Record:
    """Text without a record before it (a Go panic, say) is a record of its own."""
    if record is None:
        return Record("", more[0], None, {}, tuple(more)[1:])
    return record._replace(more=tuple(more))


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        while raw := file.readline(_LONGEST_LINE):
            line = raw.decode("utf-8", "replace").replace("\x00", "").rstrip("\r\n")
            yield line
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(_LONGEST_LINE)
