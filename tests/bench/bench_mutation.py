"""How many of a sample of small wrong changes to rules and `.wandb` reader the quick tests notice."""

import os
from collections.abc import Iterator

from tests.bench.row import Row
from tests.mutation.play import SUBJECTS, sample, verdicts

COUNT = int(os.environ.get("BENCH_MUTANTS", "60"))
SEED = 8


def rows() -> Iterator[Row]:
    """One row for each subject."""
    for subject in SUBJECTS:
        chosen = sample(COUNT // len(SUBJECTS), SEED, subject)
        killed = sum(outcome.killed for outcome in verdicts(chosen, 2))
        share = f"{100 * killed / len(chosen):.0f} %"
        yield Row(f"mutants of {subject} killed", f"{killed} of {len(chosen)}, seed {SEED}", "", share, "≥ 80 %")
