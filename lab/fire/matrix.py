"""`python -m lab.fire.matrix [WORD …]`: play every cell whose name holds all words, and print the table."""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.fire.cells import TIMES, Cell, cells, requests_of, some
from lab.fire.oracle import Outcomes, outcomes, problems
from lab.fire.stage import Recording, Stage, record, spoil, staged, verify


@dataclass(frozen=True)
class Result:
    """One cell, played."""

    cell: Cell
    verdict: str
    cause: str
    hits: int
    seconds: float
    problems: tuple[str, ...]


class Player:
    """Plays cells in one process; each kind of run has its own server and folder, set up when first needed."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._kept = contextlib.ExitStack()
        self._stages: dict[bool, Stage] = {}
        self._truth: dict[tuple[bool, str], Outcomes] = {}

    def play(self, cell: Cell) -> Result:
        """Verify with the trouble of this cell, and judge what was said."""
        stage = self._stage(ill=cell.ill)
        if (cell.ill, cell.way) not in self._truth:
            self._truth[cell.ill, cell.way] = outcomes(verify(stage, cell.way))
        told = verify(stage, cell.way, cell.plan)
        verdict = told.verdict or {"verdict": "none", "root_cause": None}
        wrong = problems(cell, told, self._truth[cell.ill, cell.way])
        cause = verdict["root_cause"] or next(iter(told.checks("not_checked").values()), "")
        return Result(cell, verdict["verdict"], cause[:160], told.hits, told.seconds, tuple(wrong))

    def _stage(self, *, ill: bool) -> Stage:
        if ill not in self._stages:
            root = self._kept.enter_context(tempfile.TemporaryDirectory(prefix="fire-"))
            self._stages[ill] = self._kept.enter_context(staged(self._recording, Path(root)))
            if ill:
                spoil(self._stages[ill])
        return self._stages[ill]

    def close(self) -> None:
        """Stop the servers."""
        self._kept.close()


def survey(recording: Recording) -> tuple[tuple[str, str], ...]:
    """Every request that verifications make, found by looking."""
    with tempfile.TemporaryDirectory(prefix="fire-") as root, staged(recording, Path(root)) as stage:
        return requests_of(*(verify(stage, way).traffic for way in ("job", "run")))


_players: list[Player] = []


def _begin(recording: Recording) -> None:
    _players.append(Player(recording))


def _play(cell: Cell) -> Result:
    return _players[0].play(cell)


def play_all(recording: Recording, chosen: Sequence[Cell], workers: int) -> Iterator[Result]:
    """Play the cells in processes of their own: most of the time they wait."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(recording,)) as pool:
        for done in as_completed([pool.submit(_play, cell) for cell in chosen]):
            yield done.result()


@contextlib.contextmanager
def recorded() -> Iterator[Recording]:
    """A recording in a folder that is removed at the end."""
    root = Path(tempfile.mkdtemp(prefix="fire-"))
    try:
        yield record(root / "recording")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def table(results: Sequence[Result]) -> Table:
    """A row for each request and kind of trouble: what came out once, three times and for ever."""
    rows: dict[tuple[str, str, str], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in sorted(results, key=lambda r: r.cell):
        rows[result.cell.phase, result.cell.request, result.cell.kind][result.cell.times].append(result)
    shown = Table("phase", "request", "trouble", *TIMES, title="What is said while the harness's own requests go wrong")
    for place, columns in rows.items():
        shown.add_row(*place, *("; ".join(_short(r) for r in columns[times]) for times in TIMES))
    return shown


def _short(result: Result) -> str:
    what = "ill run: " if result.cell.ill else ""
    cause = f" ({result.cause})" if result.verdict == "failed" and not result.cell.ill else ""
    return f"{what}{'WRONG ' if result.problems else ''}{result.verdict}{cause}"


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 where a cell is wrong."""
    parser = argparse.ArgumentParser(prog="python -m lab.fire.matrix", description=__doc__)
    parser.add_argument("words", nargs="*", help="play only cells whose name holds all of these")
    parser.add_argument("--some", action="store_true", help="the part that CI plays")
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    with recorded() as recording:
        every = list(cells(survey(recording)))
        part = some(every) if options.some else every
        chosen = [c for c in part if all(word in str(c) for word in options.words)]
        results = []
        for result in play_all(recording, chosen, options.workers):
            results.append(result)
            mark = "WRONG" if result.problems else "right"
            sys.stderr.write(f"{len(results)}/{len(chosen)} {mark} {result.cell}: {result.verdict} {result.cause}\n")
            sys.stderr.write("".join(f"    {problem}\n" for problem in result.problems))
    wrong = sum(bool(r.problems) for r in results)
    Console(width=200).print(table(results))
    sys.stdout.write(f"{len(results)} cells, {wrong} wrong, {time.monotonic() - begun:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
