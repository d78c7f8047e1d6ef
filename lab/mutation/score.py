"""Which mutants are played, and what came of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lab.mutation.explained import explanation
from lab.mutation.mutants import Mutant, mutants
from tests.repository import REPOSITORY as ROOT

SUBJECTS = ("harness/judging", "harness/evidence/disk/wandb_log")
"""What is changed: all that judges, and the reader of `.wandb` files."""


@dataclass(frozen=True)
class Outcome:
    """Whether a test failed, and what had been changed."""

    mutant: Mutant
    killed: bool
    reached_by: int
    """How many tests run the place; none of them may look at it."""

    def __str__(self) -> str:
        """The place and the change, in a line, with why it may survive."""
        where = f"{self.mutant.path.relative_to(ROOT)}:{self.mutant.line}: {self.mutant.text}"
        why = explanation(self.mutant)
        return f"may survive ({why}): {where}" if why else f"survives {self.reached_by} tests: {where}"


@dataclass(frozen=True)
class Score:
    """How many mutants were killed."""

    killed: int
    explained: int
    """Survivors that may."""
    count: int

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Score:
        """Count them."""
        survivors = [outcome for outcome in outcomes if not outcome.killed]
        explained = sum(explanation(outcome.mutant) is not None for outcome in survivors)
        return cls(len(outcomes) - len(survivors), explained, len(outcomes))

    def __str__(self) -> str:
        """The count in words."""
        open_ = self.count - self.killed - self.explained
        share = 100 * self.killed / self.count if self.count else 0
        counts = f"{self.killed} of {self.count} mutants killed ({share:.0f} %)"
        return f"{counts}, {self.explained} explained, {open_} neither"


def sample(count: int | None, seed: int, part: str = "") -> list[Mutant]:
    """A random sample of all mutants, the same for the same seed and code; without a count, all."""
    modules = sorted(path for subject in SUBJECTS for path in (ROOT / subject).rglob("*.py") if part in str(path))
    everything = [mutant for path in modules for mutant in mutants(path)]
    return everything if count is None else random.Random(seed).sample(everything, min(count, len(everything)))
