"""Plays every fault that the tests can inject, carries out its cure as printed, and verifies again: a table by family.

python -m lab.cures [-j N] [-k PART] [--json FILE]
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.faults.cures import Cured, cure
from tests.faults.scenario import Scenario
from tests.faults.scenarios import BY_FAMILY

UNSAID = "could not be played"


def injected(part: str = "") -> list[tuple[str, Scenario]]:
    """Scenarios of errors whose name, fault or family holds this, with their family."""
    return [
        (family, s)
        for family, scenarios in BY_FAMILY.items()
        for s in scenarios
        if s.kind == "error" and s.expect and any(part in text for text in (family, s.name, s.expect))
        if not (s.why_not and s.why_not())
    ]


def word(cured: Cured) -> str:
    """How it came out."""
    if cured.causes[0] != cured.scenario.expect:
        return UNSAID
    if cured.by_first:
        return "first"
    if cured.in_the_end:
        return "in steps"
    if cured.refused:
        return "installs"
    return "outside" if cured.kind == "outside" else "sketch" if cured.kind == "sketch" else "NOT CURED"


def line(family: str, cured: Cured) -> str:
    """A row of the table."""
    causes = " > ".join(cured.causes)
    leaks = f"  LEAK {', '.join(cured.leaks)}" if cured.leaks else ""
    return f"{family:15} {cured.scenario.name:42} {cured.kind:9} {word(cured):10} {causes}{leaks}"


def main(argv: list[str] | None = None) -> int:
    cli = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    cli.add_argument("-j", "--jobs", type=int, default=2)
    cli.add_argument("-k", "--part", default="", help="only scenarios whose name, fault or family holds this")
    cli.add_argument("--newest", action="store_true", help="leave out what is played with an older SDK")
    cli.add_argument("--json", help="write what came out to this file")
    options = cli.parse_args(argv)
    chosen = [pair for pair in injected(options.part) if not (options.newest and pair[1].sdk)]
    rows: list[tuple[str, Cured]] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for (family, _), cured in zip(chosen, pool.map(lambda pair: cure(pair[1]), chosen), strict=True):
            rows.append((family, cured))
            sys.stdout.write(line(family, cured) + "\n")
            sys.stdout.flush()
    totals(rows)
    if options.json:
        told = [{"family": f, "name": c.scenario.name, "fault": c.scenario.expect, "kind": c.kind, "came": word(c),
                 "causes": c.causes, "cures": c.cures} for f, c in rows]  # fmt: skip
        with open(options.json, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(told, file, indent=1)
    return 0


def totals(rows: list[tuple[str, Cured]]) -> None:
    """By family: how many were cured by the first cure, in several steps, by somebody outside, and not."""
    columns = ("first", "in steps", "outside", "installs", "sketch", "NOT CURED", UNSAID)
    sys.stdout.write(f"\n{'family':16}" + "".join(f"{c:>12}" for c in columns) + "\n")
    for family in [*dict.fromkeys(f for f, _ in rows), "all"]:
        words = [word(c) for f, c in rows if family in (f, "all")]
        sys.stdout.write(f"{family:16}" + "".join(f"{words.count(c):12}" for c in columns) + "\n")
    known = [word(c) for _, c in rows if word(c) not in ("outside", "installs", UNSAID)]
    share = known.count("first") / len(known) if known else 1.0
    sys.stdout.write(f"the first cure mends {share:.1%} of what is not outside, and installs nothing\n")


if __name__ == "__main__":
    sys.exit(main())
