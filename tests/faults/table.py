"""Prints which faults are found: `python -m tests.faults.table [-j N] [-k PART] [--keep]`; fails if any is not."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.judging.catalogue import catalogue
from tests.faults.run import Judgement, Played, judge, play, remove
from tests.faults.scenarios import AGAIN, BY_FAMILY

WIDTHS = (34, 34, 9, 6)


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Play what was asked for and print the table and its totals; 1 if anything is not right."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-j", "--jobs", type=int, default=2, help="scenarios at a time")
    cli.add_argument("-k", "--part", default="", help="only scenarios whose name, fault or family holds this")
    cli.add_argument("--keep", action="store_true", help="keep the folders of scenarios that went wrong")
    options = cli.parse_args(argv)
    chosen = [
        scenario
        for family, scenarios in BY_FAMILY.items()
        for scenario in scenarios
        if any(options.part in text for text in (family, scenario.name, scenario.expect or ""))
        and not (scenario.why_not and scenario.why_not())
    ]
    say(_row("scenario", "fault", "result", "s"))
    done: list[tuple[Played, Judgement]] = []
    times = []
    for again in (False, True):
        begun = time.monotonic()
        part = [scenario for scenario in chosen if (scenario.name in AGAIN) is again]
        with ThreadPoolExecutor(options.jobs) as pool:
            done += [_tell(played, options.keep) for played in pool.map(play, part)]
        what = "in other ways and with older SDKs" if again else "each fault once, and the healthy variants"
        times.append(f"{what}: {len(part)} scenarios in {(time.monotonic() - begun) / 60:.1f} min")
    _totals(done)
    say("; ".join(times))
    return 0 if all(judgement.right for _, judgement in done) else 1


def _row(*cells: str) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _tell(played: Played, keep: bool) -> tuple[Played, Judgement]:
    judgement = judge(played)
    scenario = played.scenario
    say(_row(scenario.name, scenario.expect or "-", judgement.result, f"{played.seconds:.0f}"))
    for problem in judgement.problems:
        say(f"    {problem[:300]}")
    if judgement.right or not keep:
        remove(played)
    else:
        say(f"    {played.folder}")
    return played, judgement


def _totals(done: Sequence[tuple[Played, Judgement]]) -> None:
    """Recall over faults (a fault is found when each of its scenarios finds it), wrong causes, false alarms."""
    results = Counter(judgement.result for _, judgement in done)
    by_fault: dict[str, bool] = {}
    for played, judgement in done:
        if fault := played.scenario.expect:
            by_fault[fault] = by_fault.get(fault, True) and judgement.right
    healthy = [judgement for played, judgement in done if played.scenario.healthy]
    found, total = sum(by_fault.values()), len(by_fault)
    share = f" ({100 * found / total:.0f} %)" if total else ""
    say("")
    say(f"faults found with the real SDK     {found} of {total}{share}")
    say(f"wrong root causes                  {results['wrong']}")
    say(f"missed                             {results['missed']}")
    say(f"false alarms                       {results['false alarm']} (healthy variants: {len(healthy)})")
    loose = sum(1 for _, judgement in done if judgement.problems and judgement.result in ("found", "passed"))
    say(f"right, but not in every detail     {loose}")
    rest = sorted(set(catalogue()) - set(by_fault))
    say(f"proven on evidence only            {len(rest)} faults of the catalogue, in tests/judging/families")


if __name__ == "__main__":
    sys.exit(main())
