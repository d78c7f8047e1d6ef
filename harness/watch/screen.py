"""Shows the watch: a table that changes in place on a terminal, else a line for each change and one now and then."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.watch.lines import HEADER, cells, details, line
from harness.watch.subjects import Subject

if TYPE_CHECKING:
    from rich.table import Table

NOW_AND_THEN_S = 600.0


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, tuple[str, str, bool, bool]]] = {}

    def show(self, subjects: Sequence[Subject], now: float) -> None:
        """Write a line of each job that has news, or of which nothing was written for ten minutes."""
        for subject in subjects:
            state = (subject.state, subject.problem, bool(subject.unread), subject.ended)
            known = self._told.get(subject.name)
            if known is None or known[1] != state or (now - known[0] >= NOW_AND_THEN_S and not subject.ended):
                self._told[subject.name] = (now, state)
                sys.stdout.write(f"{line(subject, now)}\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is left to be done."""


class Screen:
    """A table in place; jobs with a problem stand first."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def show(self, subjects: Sequence[Subject], _now: float) -> None:
        """Draw it anew."""
        self._live.update(table(subjects), refresh=True)

    def close(self) -> None:
        """Leave the last table on the terminal."""
        self._live.stop()


def table(subjects: Sequence[Subject]) -> "Table":
    """Return the table; what is wrong stands in a row of its own below the job."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for column in HEADER:
        made.add_column(column, no_wrap=True, justify="left" if column in ("job", "state") else "right")
    for subject in sorted(subjects, key=lambda s: not s.problem):
        colour = "red" if subject.problem else "dim" if subject.ended else ""
        made.add_row(*(Text(cell, style=colour) for cell in cells(subject)))
        if told := details(subject):
            made.add_row(Text(f"  {told}", style=colour, overflow="fold"))
    return made


def view() -> Lines | Screen:
    """Return what fits where this is shown."""
    from rich.console import Console

    console = Console()
    return Screen() if console.is_terminal and not console.is_dumb_terminal else Lines()
