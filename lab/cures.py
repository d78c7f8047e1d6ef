"""Plays every fault that the tests can inject, carries out its cure as printed, and verifies again: a table by family.

python -m lab.cures [-j N] [-k PART] [--once] [--open]: rows go to `proven.json`, and the table to docs/cures.md.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timezone
from pathlib import Path

from harness.judging.catalogue import catalogue
from harness.judging.cures import proven
from harness.judging.cures.proven import OUTCOMES, Outcome, Proven
from harness.judging.judge import judge
from tests.faults.cures import Cured, cure, elsewhere
from tests.faults.recorded import recordings
from tests.faults.scenario import Scenario
from tests.faults.scenarios import AGAIN, EVERY
from tests.repository import REPOSITORY

DATA = Path(proven.__file__).with_name(proven.FILE)
PAGE = REPOSITORY / "docs" / "cures.md"
BEGIN = "<!-- table: make cures -->\n"
END = "<!-- end of the table -->"


LEFT = {
    "end-failed-exitcode": "the error is the script's own, and what it should do instead only its author knows",
    "metric-nan-loss": "the loss is NaN from the first step, so look at the data; no edit of the training helps",
    "metric-np-nan-dropped": "the first cure, a newer SDK, shows the NaN; that the training diverges is another fault",
    "metric-not-number": "the value is None, and which function should have returned a number the script does not say",
}
"""Why no safe cure exists, by fault."""
SKETCH = "the cure shows how the script should look, and only its author can write that"


def injected(part: str = "", *, once: bool = False, unmended: bool = False) -> list[Scenario]:
    """Scenarios of errors whose name, fault or family holds this; on demand one for each, or not mended yet."""
    known, rows = catalogue(), proven.proven().faults
    return [
        s
        for s in EVERY.values()
        if _errs(s) and s.expect
        if any(part in text for text in (known[s.expect].family, s.name, s.expect))
        if not (once and s.name in AGAIN)
        and not (unmended and rows.get(s.expect, {}).get(s.name, "not cured") != "not cured")
        if not (s.why_not and s.why_not())
    ]


def outcome(scenario: Scenario) -> tuple[Outcome | None, str]:
    """How it came out, and the causes in turn; what the recording leaves to others is not played."""
    if (recorded := recordings().get(scenario.name)) and elsewhere(judge(recorded), scenario):
        return "outside", str(scenario.expect)
    cured = cure(scenario)
    leaks = [f"LEAK {place}" for place in cured.leaks]
    return word(cured), " > ".join([*cured.causes, *leaks])


def word(cured: Cured) -> Outcome | None:
    """What is said of it; None where another fault came than the one that was played."""
    if cured.causes[0] != cured.scenario.expect:
        return None
    if cured.in_the_end:
        return "by hand" if cured.by_hand else "first" if cured.by_first else "in steps"
    return "outside" if cured.left_to_others else "not cured"


def kept(rows: Mapping[str, Outcome], sdk: str, day: str) -> Proven:
    """The table with these rows in place of their old ones, and none of a scenario that is gone."""
    old = proven.proven().faults
    faults: dict[str, dict[str, Outcome]] = {}
    for name, scenario in EVERY.items():
        fault = str(scenario.expect)
        came = rows.get(name) or old.get(fault, {}).get(name)
        if came and scenario.kind == "error":
            faults.setdefault(fault, {})[name] = came
    return Proven(sdk=sdk, date=day, faults=faults)


def table(found: Proven) -> str:
    """By family, in Markdown: how many tests came out in which way."""
    families: dict[str, list[str]] = {}
    for fault, played in found.faults.items():
        families.setdefault(catalogue()[fault].family, []).extend(played.values())
    families = {**families, "all": [how for came in families.values() for how in came]}
    lines = [f"| family | tests | {' | '.join(OUTCOMES)} |", "|---|" + "--:|" * (len(OUTCOMES) + 1)]
    for family, came in families.items():
        lines.append(f"| {family.replace('_', ' ')} | {len(came)} | {' | '.join(_counts(came))} |")
    inside = [how for how in families["all"] if how != "outside"]
    machine = [how for how in inside if how != "by hand"]
    lines += [
        "",
        "A test that is not in the table was not played with its cure.",
        f"wandb {found.sdk}, {found.date}. The first cure mended {_share(inside, 'first')} where nobody else must act,",
        f"and {_share(machine, 'first')} where nothing is left to write by hand either.",
        f"Not mended: {', '.join(_names(found, 'not cured')) or 'none'}.",
        *_left(found),
    ]
    return "\n".join(lines) + "\n"


def _left(found: Proven) -> Iterable[str]:
    """By fault, which tests the first cure alone does not mend, and why that is left to people."""
    for fault, came in found.faults.items():
        names = [f"`{name}`" for name, how in came.items() if how in ("by hand", "in steps")]
        if names:
            yield ""
            yield f"`{fault}` is left to who knows the script in {', '.join(names)}: {LEFT.get(fault, SKETCH)}."


def _errs(scenario: Scenario) -> bool:
    """Whether a fault of the catalogue makes it fail."""
    return scenario.kind == "error" and scenario.expect in catalogue()


def _counts(came: list[str]) -> Iterable[str]:
    return (str(came.count(how)) for how in OUTCOMES)


def _share(came: list[str], how: str) -> str:
    return f"{came.count(how)} of {len(came)} ({came.count(how) / max(len(came), 1):.0%})"


def _names(found: Proven, how: Outcome) -> list[str]:
    return [f"`{name}` ({fault})" for fault, came in found.faults.items() for name, one in came.items() if one == how]


def save(found: Proven) -> None:
    """Write the data file, and the table of the page."""
    DATA.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Play what was asked for; each row is kept as soon as it is known."""
    from wandb import __version__ as sdk

    cli = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    cli.add_argument("-j", "--jobs", type=int, default=2)
    cli.add_argument("-k", "--part", default="", help="only scenarios whose name, fault or family holds this")
    cli.add_argument("--once", action="store_true", help="one scenario for each fault")
    cli.add_argument("--open", action="store_true", help="only what the table lacks, or has as not mended")
    options = cli.parse_args(argv)
    rows: dict[str, Outcome] = {}
    day = datetime.now(tz=timezone.utc).date().isoformat()
    with ThreadPoolExecutor(options.jobs) as pool:
        playing = {pool.submit(outcome, s): s for s in injected(options.part, once=options.once, unmended=options.open)}
        for played in as_completed(playing):
            scenario, (came, causes) = playing[played], played.result()
            sys.stdout.write(f"{scenario.name:42} {came or 'was another fault':18} {causes}\n")
            sys.stdout.flush()
            if came:
                rows[scenario.name] = came
                save(kept(rows, sdk, day))
    sys.stdout.write(table(kept(rows, sdk, day)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
