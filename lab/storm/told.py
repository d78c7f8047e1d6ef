"""Prints what came of each trial of a series, a line at once, and keeps count."""

import sys
from collections.abc import Sequence


class Told:
    """The lines of one series, and how many trials went wrong."""

    def __init__(self) -> None:
        self.count = 0
        self.bad = 0

    def trial(self, words: str, problems: Sequence[str]) -> None:
        """Tell of one trial, and of each problem that it showed."""
        self.count += 1
        self.bad += bool(problems)
        sys.stdout.write(f"{self.count:>3} {words}{'  WRONG' if problems else ''}\n")
        sys.stdout.writelines(f"      {problem[:2000]}\n" for problem in problems)
        sys.stdout.flush()

    def total(self, what: str) -> int:
        """Tell the total; what the command returns."""
        sys.stdout.write(f"{self.count} {what}: {self.bad} wrong\n")
        return 1 if self.bad else 0
