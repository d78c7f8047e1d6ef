"""How many of a sample of small wrong changes to rules and `.wandb` reader the quick tests notice."""

import os
from collections.abc import Iterator

from lab.bench.row import Row
from lab.mutation.play import TESTS, play
from lab.mutation.score import SUBJECTS, Outcome, Score, sample

COUNT = int(os.environ.get("BENCH_MUTANTS", "400"))
SEED = 8


def rows() -> Iterator[Row]:
    """One row for each subject."""
    outcomes: list[Outcome] = []
    play(sample(COUNT, SEED), TESTS, 2, outcomes.append)
    for subject in SUBJECTS:
        score = Score.of([outcome for outcome in outcomes if subject in str(outcome.mutant.path)])
        share = f"{100 * score.killed / score.count:.0f} %"
        yield Row(f"mutants of {subject} killed", f"{score.killed} of {score.count}, seed {SEED}", "", share, "≥ 80 %")
