"""Shows the watch: a table that changes in place on a terminal, else a line for each change and one now and then."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.watch.lines import HEADER, cells, details, foot, line, state_of, wrong
from harness.watch.subjects import Subject

if TYPE_CHECKING:
    from rich.console import Group

NOW_AND_THEN_S = 600.0
SURE = 3
"""The first columns are always shown."""


class Lines:
    """Plain lines, for logs and pipes; of quiet ones only what is wrong."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._told: dict[str, tuple[float, tuple[str, str, bool, bool]]] = {}

    def show(self, subjects: Sequence[Subject], now: float) -> None:
        """Write a line of each job that has news, or of which nothing was written for ten minutes."""
        for subject in subjects:
            if self._quiet and not wrong(subject) and subject.name not in self._told:
                continue
            state = (state_of(subject), subject.problem, bool(subject.unread), subject.ended)
            known = self._told.get(subject.name)
            if known is None or known[1] != state or (now - known[0] >= NOW_AND_THEN_S and not subject.ended):
                self._told[subject.name] = (now, state)
                sys.stdout.write(f"{line(subject, now)}\n")
            if self._quiet and not wrong(subject):
                del self._told[subject.name]
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is left to be done."""


class Screen:
    """A table in place; jobs with a problem stand first."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def show(self, subjects: Sequence[Subject], now: float) -> None:
        """Draw it anew."""
        self._live.update(table(subjects, self._live.console.width, now), refresh=True)

    def close(self) -> None:
        """Leave the last table on the terminal."""
        self._live.stop()


def table(subjects: Sequence[Subject], width: int, now: float) -> "Group":
    """Return the table, of columns that have something to tell, below it what is wrong, and when that was seen."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown = sorted(subjects, key=lambda s: not s.problem)
    rows = [cells(subject) for subject in shown]
    kept = [n for n in range(len(HEADER)) if n < SURE or any(row[n] != "–" for row in rows)]
    rest = sum(max(len(HEADER[n]), *(len(row[n]) for row in rows), 0) + 2 for n in kept[1:]) if rows else 0
    made = Table(box=None, pad_edge=False)
    for n in kept:
        made.add_column(HEADER[n], no_wrap=True, justify="left" if n < 2 else "right")
    told = []
    for subject, row in zip(shown, rows, strict=True):
        colour = "red" if subject.problem else "dim" if subject.ended else ""
        name = row[0] if len(row[0]) <= width - rest else f"…{row[0][-max(8, width - rest - 1) :]}"
        made.add_row(*(Text(name if n == 0 else row[n], style=colour) for n in kept))
        if words := details(subject):
            told.append(Text(f"{name}: {words}", style=colour))
    return Group(made, *told, Text(foot(subjects, now), style="dim"))


def view(*, quiet: bool = False) -> Lines | Screen:
    """Return what fits where this is shown."""
    if quiet:
        return Lines(quiet=True)
    from rich.console import Console

    console = Console()
    return Screen() if console.is_terminal and not console.is_dumb_terminal else Lines()
