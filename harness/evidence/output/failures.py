"""Parses what torchrun and srun say about workers that ended badly."""

import re
import signal

from harness.evidence.models.job import ProcessSeen
from harness.evidence.output.lines import Line

_MOST = 512
_SRUN = re.compile(r"srun: error: (?P<host>\S+): tasks? (?P<tasks>[\d,-]+): (?P<what>.+)")
_SRUN_EXIT = re.compile(r"Exited with exit code (\d+)")
_SRUN_WORDS = {
    "Out Of Memory": "OUT_OF_MEMORY",
    "Killed": "SIGKILL",
    "Terminated": "SIGTERM",
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating point exception": "SIGFPE",
    "Interrupt": "SIGINT",
}
_AGENT = re.compile(r"failed \(exitcode: (?P<code>-?\d+)\) local_rank: (?P<local>\d+) \(pid: \d+\)")
_SUMMARY = re.compile(
    r"\s*(?P<key>host|rank|exitcode)\s*: (?P<value>\S+)(?: \(local_rank: (?P<local>\d+)\)| \(pid: \d+\).*)?$"
)


class Failures:
    """What was parsed so far; `take` reads one line."""

    def __init__(self) -> None:
        self._found: list[ProcessSeen] = []
        self._by_agent: list[ProcessSeen] = []
        self._host: str | None = None
        self._rank: tuple[int | None, int | None] = (None, None)
        self._first = False

    def take(self, line: Line) -> bool:
        """Read a line; True where it told of a worker."""
        text = line.text
        if "srun: error: " in text:
            return self._srun(line)
        if "(exitcode: " in text and (match := _AGENT.search(text)):
            self._by_agent.append(_ended(int(match["code"]), local_rank=int(match["local"]), line=line.number))
            del self._by_agent[_MOST:]
            return True
        if "Root Cause (first observed failure)" in text:
            self._first = True
            return True
        match = _SUMMARY.match(text)
        return match is not None and self._summary(match, line.number)

    def processes(self) -> tuple[ProcessSeen, ...]:
        """Return the workers in the order of the output; the launcher's summary makes its short notice superfluous."""
        told = {(p.local_rank, p.exit_code, p.signal) for p in self._found}
        alone = [p for p in self._by_agent if (p.local_rank, p.exit_code, p.signal) not in told]
        return tuple(dict.fromkeys(sorted((*self._found, *alone), key=lambda p: p.line)))

    def _summary(self, match: re.Match[str], number: int) -> bool:
        key, value = match["key"], match["value"]
        if key == "host":
            self._host = value
        elif key == "rank" and match["local"] and value.isdigit():
            self._rank = (int(value), int(match["local"]))
        elif key == "exitcode" and self._rank[0] is not None and re.fullmatch(r"-?\d+", value):
            rank, local = self._rank
            seen = _ended(int(value), rank=rank, local_rank=local, host=self._host, first=self._first, line=number)
            self._add(seen)
            self._rank, self._first = (None, None), False
        else:
            return False
        return True

    def _srun(self, line: Line) -> bool:
        match = _SRUN.search(line.text)
        if match is None:
            return False
        code = _SRUN_EXIT.search(match["what"])
        word = next((s for w, s in _SRUN_WORDS.items() if match["what"].startswith(w)), None)
        if code is None and word is None:
            return False
        for task in _numbers(match["tasks"]):
            self._add(
                ProcessSeen(
                    exit_code=int(code[1]) if code else None,
                    signal=word,
                    host=match["host"],
                    task=task,
                    line=line.number,
                )
            )
        return True

    def _add(self, seen: ProcessSeen) -> None:
        if len(self._found) < _MOST:
            self._found.append(seen)


def _ended(
    code: int,
    *,
    rank: int | None = None,
    local_rank: int | None = None,
    host: str | None = None,
    first: bool = False,
    line: int = 0,
) -> ProcessSeen:
    """A worker with torchrun's exit code, which is negative for a signal."""
    name = None
    if code < 0:
        known = {s.value: s.name for s in signal.Signals}
        name = known.get(-code, f"signal {-code}")
    return ProcessSeen(
        rank=rank,
        local_rank=local_rank,
        exit_code=code if code >= 0 else None,
        signal=name,
        host=host,
        first=first,
        line=line,
    )


def _numbers(ranges: str) -> list[int]:
    """`0-2,5` as numbers, at most 512 of them."""
    found: list[int] = []
    for part in ranges.split(","):
        low, _, high = part.partition("-")
        if low.isdigit():
            end = int(high) if high.isdigit() else int(low)
            found.extend(range(int(low), min(end, int(low) + _MOST) + 1))
    return found[:_MOST]
