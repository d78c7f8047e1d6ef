"""`python -m tests.mutation [-n 60] [--seed 8] [-k PART]`: plays a sample of mutants and prints which survive."""

import argparse
import sys
from collections.abc import Sequence

from tests.mutation.play import sample, verdicts


def main(argv: Sequence[str] | None = None) -> int:
    """Print every survivor and the score."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-n", type=int, default=60, help="how many mutants")
    cli.add_argument("--seed", type=int, default=8)
    cli.add_argument("-k", "--part", default="", help="only modules whose path holds this")
    cli.add_argument("-j", "--jobs", type=int, default=2)
    options = cli.parse_args(argv)
    killed = 0
    chosen = sample(options.n, options.seed, options.part)
    for outcome in verdicts(chosen, options.jobs):
        killed += outcome.killed
        if not outcome.killed:
            sys.stdout.write(f"survives: {outcome.where}\n")
            sys.stdout.flush()
    share = 100 * killed / len(chosen) if chosen else 0
    sys.stdout.write(f"{killed} of {len(chosen)} mutants killed ({share:.0f} %)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
