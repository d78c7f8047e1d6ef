"""Reads the output of a job, while it runs or afterwards, in bounded memory whatever its size."""

import string
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.evidence.models.base import Trouble
from harness.evidence.models.job import EpochSeen, JobOutput, OutputLine, RunLink
from harness.evidence.output.bounded import Kept
from harness.evidence.output.failures import Failures
from harness.evidence.output.lines import Blocks, Line, parse_line, shorten
from harness.evidence.output.marks import Marks, sdk_line
from harness.evidence.output.tracebacks import Tracebacks
from harness.evidence.output.trouble_words import WORTH_A_LOOK, weight

_CHUNK = 1 << 20
_TAIL = 60
_MOST_WORN = 4000
_DIGITS = string.digits.encode()
_WITHOUT_DIGITS = str.maketrans("", "", string.digits)


class OutputReader:
    """Fed with job output as it comes; `snapshot` tells what was seen so far.

    Args:
        path: where the output is kept, for the evidence; it is not opened.
        scrub: takes secrets out of a text.
    """

    def __init__(self, path: Path | None, scrub: Callable[[str], str]) -> None:
        self._path = path
        self._scrub = scrub
        self._size = 0
        self._lines = 0
        self._unfinished = False
        self._starts: list[int] = []
        self._blocks = Blocks()
        self._marks = Marks()
        self._failures = Failures()
        self._tracebacks = Tracebacks()
        self._sdk: Kept[OutputLine] = Kept(first=200, last=100, alike=8)
        self._trouble: Kept[OutputLine] = Kept(first=120, last=80, alike=4)
        self._hints: Kept[OutputLine] = Kept(first=60, last=40, alike=3)
        self._tail: deque[tuple[int, bytes]] = deque(maxlen=_TAIL)
        self._worn: set[bytes] = set()
        """Lines without their digits that came so often that no more of them are kept."""

    def feed(self, lines: Iterable[str]) -> None:
        """Take in whole lines, without their line breaks."""
        text = "".join(f"{line}\n" for line in lines)
        if text:
            self.feed_bytes(text.encode("utf-8", "replace"))

    def feed_bytes(self, chunk: bytes) -> None:
        """Take in the next piece of the output, cut anywhere."""
        self._size += len(chunk)
        if block := self._blocks.feed(chunk):
            self._read(block)

    def begin_file(self) -> None:
        """Take what follows as another file of the same job."""
        self.close()
        self._lines += self._unfinished
        self._unfinished = False
        self._starts.append(self._lines + 1)

    def close(self) -> None:
        """Take the last line as complete though no line break followed."""
        if rest := self._blocks.last():
            self._read(rest + b"\n")

    def last_epoch(self) -> EpochSeen | None:
        """Return the newest epoch that the training script printed."""
        return self._marks.last_epoch

    def first_link(self) -> RunLink | None:
        """Return the first run that the SDK announced."""
        return next(iter(self._marks.links.values()), None)

    def newest_link(self) -> RunLink | None:
        """Return the last run that the SDK announced."""
        return next(reversed(self._marks.links.values()), None)

    def run_dirs(self) -> tuple[str, ...]:
        """Return the run directories that the SDK named."""
        return tuple(self._marks.run_dirs)

    def snapshot(self, trouble: Trouble | None = None) -> JobOutput:
        """Return what was seen so far."""
        marks = self._marks
        notable = sorted((*self._trouble.items(), *self._hints.items()), key=lambda line: line.number)
        return JobOutput(
            path=str(self._path) if self._path else None,
            size_bytes=self._size,
            lines=self._lines + self._unfinished,
            links=tuple(marks.links.values()),
            logins=tuple(marks.logins.values()),
            credentials_from=tuple(marks.credentials),
            sdk_versions=tuple(marks.versions),
            errors=self._tracebacks.errors(self._scrub),
            ranks=tuple(marks.ranks[rank] for rank in sorted(marks.ranks)),
            epochs=marks.all_epochs(),
            epochs_total=marks.epochs_total,
            processes=self._failures.processes(),
            run_dirs=tuple(marks.run_dirs),
            wandb_lines=tuple(self._sdk.items()),
            notable=tuple(notable),
            tail=tuple(self._shown(number, raw) for number, raw in self._tail),
            file_starts=tuple(self._starts),
            trouble=trouble,
        )

    def _read(self, block: bytes) -> None:
        """Read lines; where none of a megabyte is worth a look, that is one search."""
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        # A progress bar's lines end with a carriage return: each is looked at, but only line breaks count.
        text = block.replace(b"\r", b"\n") if b"\r" in block else block
        if not text.endswith(b"\n"):
            text += b"\n"
        low = text.lower()
        at = counted = 0
        number = self._lines + 1
        while at < len(text):
            start = at
            if not self._tracebacks.active:
                match = WORTH_A_LOOK.search(low, at)
                if match is None:
                    break
                start = max(text.rfind(b"\n", at, match.start()) + 1, at)
            stop = text.find(b"\n", start)
            number += block.count(b"\n", counted, start)
            counted = start
            self._look(number, text[start:stop])
            at = stop + 1
        self._remember_end(block)
        self._lines += block.count(b"\n")
        self._unfinished = not block.endswith(b"\n")

    def _look(self, number: int, raw: bytes) -> None:
        shape = raw[:_CHUNK].translate(None, _DIGITS)
        if shape in self._worn and not self._tracebacks.active:
            return
        line = parse_line(number, raw)
        part = self._tracebacks.take(line)
        if part == "frame":
            return
        line = line._replace(text=self._scrub(line.text))
        meant = self._marks.take(line)
        failed = self._failures.take(line)
        new = self._keep(line, 2 if part else weight(line.text))
        if not (new or part or meant or failed) and len(self._worn) < _MOST_WORN:
            self._worn.add(shape)

    def _keep(self, line: Line, weighs: int) -> bool:
        if not line.text:
            return False
        kept = OutputLine(number=line.number, text=shorten(line.text), prefix=line.prefix)
        shape = line.text.translate(_WITHOUT_DIGITS)
        new = False
        if said := sdk_line(line.text):
            new = said.strip() != "wandb:" and self._sdk.add(kept.model_copy(update={"text": shorten(said)}), shape)
        if weighs:
            new = (self._trouble if weighs > 1 else self._hints).add(kept, shape) or new
        return new

    def _remember_end(self, block: bytes) -> None:
        parts = block.removesuffix(b"\n").rsplit(b"\n", _TAIL)[-_TAIL:]
        number = self._lines + 1 + block.count(b"\n") - len(parts) + (not block.endswith(b"\n"))
        for offset, part in enumerate(parts):
            shown = part.rstrip(b"\r").rpartition(b"\r")[2][: 8 * _TAIL * _TAIL]
            if self._tail and self._tail[-1][0] == number + offset:  # the rest of a line that came in pieces
                shown = shown or self._tail[-1][1]
                self._tail.pop()
            self._tail.append((number + offset, shown))

    def _shown(self, number: int, raw: bytes) -> OutputLine:
        line = parse_line(number, raw)
        return OutputLine(number=number, text=shorten(self._scrub(line.text)), prefix=line.prefix)


def read_output(path: Path, scrub: Callable[[str], str], files: Sequence[Path] = ()) -> JobOutput:
    """Read a job's output, whole; never raises for what it holds or for being unreadable.

    Args:
        path: the file, or what the files of one job are called together.
        scrub: takes secrets out of a text.
        files: the files, where there are several, such as one for each rank.
    """
    reader = OutputReader(path, scrub)
    trouble = None
    for file in files or (path,):
        if len(files) > 1:
            reader.begin_file()
        trouble = _feed(reader, file) or trouble
    return reader.snapshot(trouble)


def _feed(reader: OutputReader, path: Path) -> Trouble | None:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                reader.feed_bytes(chunk)
    except (OSError, ValueError) as error:
        return Trouble.of_file(error, path)
    reader.close()
    return None
