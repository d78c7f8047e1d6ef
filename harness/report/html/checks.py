"""The checks as the page shows them: grouped as in `checks/`, each with its sentence, its outcome and why."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.redaction.visible import clean
from harness.judging.verdict import CheckResult, Outcome, Verdict
from harness.settings.places import CHECKS

WORDS: Mapping[Outcome, str] = {
    "passed": "passed", "failed": "failed", "blocked": "blocked",
    "not_applicable": "not applicable", "not_checked": "not checked",
}  # fmt: skip
TITLES: Mapping[str, str] = {
    "setup": "Setup", "job": "Job", "run": "Run", "metrics": "Metrics", "system": "System metrics", "sync": "Sync",
    "rehearsal": "Rehearsal",
}  # fmt: skip


@dataclass(frozen=True)
class CheckView:
    """One check, for all metrics or parts that came out alike; `blocker` is the anchor of the check that blocked it."""

    anchor: str
    name: str
    params: tuple[str, ...]
    sentence: str
    outcome: Outcome
    word: str
    reason: str
    blocked_by: str
    blocker: str


@dataclass(frozen=True)
class Group:
    """The checks of one file."""

    title: str
    checks: tuple[CheckView, ...]
    counts: tuple[tuple[Outcome, str], ...]
    blocker: CheckView | None
    """A check that shows what blocked all that is blocked here, where that is one and the same."""


def sentences(folder: Path = CHECKS) -> dict[str, str]:
    """Read what each check says in the first line of its docstring, by function name; empty where they are not at hand.

    Raises:
        OSError: a file is there and cannot be read.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (said := ast.get_docstring(node)):
                found[node.name] = said.splitlines()[0]
    return found


def groups_of(verdict: Verdict, said: Mapping[str, str]) -> list[Group]:
    """Group the checks by file, in the order in which they were made."""
    files: dict[str, list[CheckResult]] = {}
    for check in verdict.checks:
        files.setdefault(check.name.partition("::")[0], []).append(check)
    anchors = anchors_of(verdict)
    return [_group(title_of(file), checks, anchors, said) for file, checks in files.items()]


def _group(title: str, checks: Sequence[CheckResult], anchors: Mapping[str, str], said: Mapping[str, str]) -> Group:
    views = tuple(_view(alike, anchors, said) for alike in _alike(checks))
    blocked = [v for v in views if v.blocked_by]
    same = len({v.blocked_by for v in blocked}) == 1
    return Group(title, views, counts(checks), blocked[0] if same else None)


def anchors_of(verdict: Verdict) -> dict[str, str]:
    """Give each check its place on the page; checks that are shown together share one."""
    return {c.name: f"check-{n}" for n, alike in enumerate(_alike(verdict.checks), 1) for c in alike}


def _alike(checks: Sequence[CheckResult]) -> list[list[CheckResult]]:
    """Put together what differs in the parameter alone."""
    found: dict[tuple[str, ...], list[CheckResult]] = {}
    for c in checks:
        found.setdefault((c.name.partition("[")[0], c.outcome, c.reason, c.blocked_by or ""), []).append(c)
    return list(found.values())


def title_of(file: str) -> str:
    """Name a group: `test_5_system.py` holds System metrics."""
    word = file.removesuffix(".py").rpartition("_")[2]
    return TITLES.get(word, clean(word, 40))


def counts(checks: Sequence[CheckResult]) -> tuple[tuple[Outcome, str], ...]:
    """Count outcomes, those that ask for attention first: `1 failed`, `3 blocked`."""
    order: tuple[Outcome, ...] = ("failed", "not_checked", "blocked", "passed", "not_applicable")
    numbers = {o: sum(c.outcome == o for c in checks) for o in order}
    return tuple((o, f"{n} {WORDS[o]}") for o, n in numbers.items() if n)


def short(name: str) -> str:
    """Take the file away from a check's name."""
    return name.rpartition("::")[2]


def _view(alike: Sequence[CheckResult], anchors: Mapping[str, str], said: Mapping[str, str]) -> CheckView:
    check = alike[0]
    function = short(check.name).partition("[")[0]
    params = [short(c.name).partition("[")[2].removesuffix("]") for c in alike]
    return CheckView(
        anchor=anchors[check.name],
        name=clean(function, 80),
        params=tuple(clean(p, 60) for p in params if p),
        sentence=said.get(function) or clean(function.removeprefix("test_").replace("_", " "), 80),
        outcome=check.outcome,
        word=WORDS[check.outcome],
        reason="" if check.blocked_by or check.outcome == "passed" else clean(check.reason, 600),
        blocked_by=clean(short(check.blocked_by or ""), 80),
        blocker=anchors.get(check.blocked_by or "", ""),
    )
