"""Mutants that no test needs to notice, and why: nothing else counts as explained."""

import re
from dataclasses import dataclass

from tests.mutation.mutants import Mutant


@dataclass(frozen=True)
class Explained:
    """One kind of change that makes no answer wrong."""

    module: str
    """The end of the module's path, or a folder in it."""
    change: str
    """A regular expression for what is changed and into what."""
    why: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the mutant is of this kind."""
        return self.module in str(mutant.path) and re.search(self.change, mutant.text) is not None


QUOTED = "how much of a text or a list is quoted, not what"

EXPLAINED = (
    Explained("harness/diagnosis/", r"\[:\d+\]  →  .*\[:\d+\]$", QUOTED),
    Explained("harness/diagnosis/", r"^limit=\d+  →  limit=\d+$", QUOTED),
    Explained("harness/diagnosis/", r"^return False  →  return None$", "either is no where only that is asked"),
    Explained("harness/diagnosis/", r"\blimit: int=\d+(?=.*  →  .*\blimit: int=)", QUOTED),
)  # fmt: skip


def explanation(mutant: Mutant) -> str | None:
    """Why it may survive; None where it may not."""
    return next((kind.why for kind in EXPLAINED if kind.covers(mutant)), None)
