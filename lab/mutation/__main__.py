"""`python -m lab.mutation [-n 60] [-k PART]`: plays mutants and prints which survive, and the score."""

import argparse
import sys
from collections.abc import Sequence

from lab.mutation.play import TESTS, play
from lab.mutation.score import Outcome, Score, sample


def main(argv: Sequence[str] | None = None) -> int:
    """Print every survivor and the score."""
    cli = argparse.ArgumentParser(prog="python -m lab.mutation", description=__doc__)
    cli.add_argument("-n", type=int, help="how many mutants, by chance; all without it")
    cli.add_argument("--seed", type=int, default=8)
    cli.add_argument("-k", "--part", default="", help="only modules whose path holds this")
    cli.add_argument("-j", "--jobs", type=int, default=2)
    cli.add_argument("--tests", nargs="+", default=TESTS, help="the tests that should notice")
    options = cli.parse_args(argv)
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if not outcome.killed:
            sys.stdout.write(f"{outcome}\n")
            sys.stdout.flush()

    play(sample(options.n, options.seed, options.part), options.tests, options.jobs, tell)
    sys.stdout.write(f"{Score.of(outcomes)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
