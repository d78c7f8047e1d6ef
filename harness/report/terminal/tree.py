"""The closing tree of checks on the terminal: a line for each group, and below it what did not pass and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.evidence.redaction.visible import clean
from harness.judging.verdict import CheckResult, Outcome
from harness.report.html.checks import WORDS, counts, short, title_of
from harness.report.terminal.wrapping import wrapped

TITLE = 16
"""Columns of a group's title."""
NAMES = 4
"""Checks that are named beside one reason."""
REASON = 240
TOLD: tuple[Outcome, ...] = ("failed", "not_checked", "not_applicable")
"""Outcomes whose checks are named; blocked ones follow from a check that is."""
COLOURS: Mapping[Outcome, str] = {"failed": "red", "not_checked": "yellow", "blocked": "purple", "passed": "green"}
"""Colours of pytest's terminal; of a group the first that is there."""


class Line(NamedTuple):
    """A line of the tree, and the colour of what it tells."""

    text: str
    colour: str = ""


def tree(checks: Sequence[CheckResult], width: int, *, whole: bool = True) -> list[Line]:
    """Return the tree in lines of at most `width` columns; without the groups unless `whole`."""
    files: dict[str, list[CheckResult]] = {}
    for check in checks:
        files.setdefault(check.name.partition("::")[0], []).append(check)
    lines: list[Line] = []
    for file, mine in files.items():
        if not applies(mine):
            reason = f"not applicable: {clean(mine[0].reason, REASON)}"
            told = wrapped(reason, width, f"  {title_of(file):<{TITLE}}", " " * (TITLE + 2))
            lines += map(Line, told if whole else [])
            continue
        if whole:
            lines += _group(title_of(file), mine, width)
        lines += _details(mine, width, TOLD if whole else TOLD[:2])
    return lines


def applies(checks: Sequence[CheckResult]) -> bool:
    """Whether anything of a group was asked for: where one reason sets all of it aside, that reason is enough."""
    return {c.outcome for c in checks} != {"not_applicable"} or len({c.reason for c in checks}) > 1


def _group(title: str, checks: Sequence[CheckResult], width: int) -> list[Line]:
    blockers = list(dict.fromkeys(clean(short(c.blocked_by), 80) for c in checks if c.blocked_by))
    by = f" by {' and '.join(blockers if len(blockers) < 3 else [blockers[0], 'others'])}" if blockers else ""
    told = ", ".join(text + (by if outcome == "blocked" else "") for outcome, text in counts(checks))
    lines = wrapped(told, width, f"  {title:<{TITLE}}", " " * (TITLE + 2))
    return [Line(text, _colour(checks)) for text in lines]


def _colour(checks: Sequence[CheckResult]) -> str:
    outcomes = {c.outcome for c in checks}
    return next((c for o, c in COLOURS.items() if o in outcomes), "")


def _details(checks: Sequence[CheckResult], width: int, outcomes: Sequence[Outcome]) -> Iterator[Line]:
    for outcome in outcomes:
        for reason, names in _by_reason(checks, outcome).items():
            more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
            named = f"{WORDS[outcome]}: {', '.join(names[:NAMES])}{more}"
            for text in wrapped(named, width, " " * 4, " " * 8):
                yield Line(text, COLOURS.get(outcome, ""))
            yield from map(Line, wrapped(reason, width, " " * 8, " " * 8))


def _by_reason(checks: Sequence[CheckResult], outcome: Outcome) -> Mapping[str, list[str]]:
    """Names by the reason that they share."""
    found: dict[str, list[str]] = {}
    for check in checks:
        if check.outcome == outcome:
            found.setdefault(clean(check.reason, REASON), []).append(clean(short(check.name), 80))
    return found
