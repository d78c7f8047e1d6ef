"""The checks as the page shows them: grouped as in `checks/`, each with its sentence, its outcome and why."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.diagnosis.model import CheckResult, Outcome, Verdict
from harness.report.html_text import clean

CHECKS = Path(__file__).resolve().parents[2] / "checks"
WORDS: Mapping[Outcome, str] = {
    "passed": "passed", "failed": "failed", "blocked": "blocked",
    "not_applicable": "not applicable", "not_checked": "not checked",
}  # fmt: skip
TITLES: Mapping[str, str] = {
    "setup": "Setup", "job": "Job", "run": "Run", "metrics": "Metrics", "system": "System metrics", "sync": "Sync",
}  # fmt: skip


@dataclass(frozen=True)
class CheckView:
    """One check; `anchor` is its place on the page, `blocker` that of the check in whose shadow it stands."""

    anchor: str
    name: str
    param: str
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
    anchors = {check.name: f"check-{n}" for n, check in enumerate(verdict.checks, 1)}
    return [
        Group(title_of(file), tuple(_view(c, anchors, said) for c in checks), counts(checks))
        for file, checks in files.items()
    ]


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


def _view(check: CheckResult, anchors: Mapping[str, str], said: Mapping[str, str]) -> CheckView:
    function, _, param = short(check.name).partition("[")
    return CheckView(
        anchor=anchors[check.name],
        name=clean(function, 80),
        param=clean(param.removesuffix("]"), 60),
        sentence=said.get(function) or clean(function.removeprefix("test_").replace("_", " "), 80),
        outcome=check.outcome,
        word=WORDS[check.outcome],
        reason="" if check.blocked_by or check.outcome == "passed" else clean(check.reason, 600),
        blocked_by=clean(short(check.blocked_by or ""), 80),
        blocker=anchors.get(check.blocked_by or "", ""),
    )
