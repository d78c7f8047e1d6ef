"""Causes and cures as the page shows them: steps of advice parted into words and commands."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.evidence.redaction.visible import block, clean
from harness.judging.catalogue import STAGES, catalogue
from harness.judging.live.life import Life
from harness.judging.live.words import headline
from harness.judging.rule import Severity
from harness.judging.verdict import CheckResult, Finding, Verdict
from harness.report.html.checks import anchors_of, short
from harness.report.text import link

WHEN = (
    ("permission", "before the job: it could be told from the setup alone"),
    ("mode", "when W&B chose its mode, before anything was logged"),
    ("submission", "when the job was submitted"),
    ("launch", "when the job was being started"),
    ("init", "in wandb.init()"),
    ("duplicates", "when the ranks made their runs"),
    ("training", "while the job trained"),
    ("upload", "while the SDK uploaded"),
    ("finish", "at the end of the run"),
    ("system", "while metrics were logged"),
    ("sync", "when the run was synced"),
)
"""The latest stage that each text speaks of."""
LINES = 12


@dataclass(frozen=True)
class Part:
    """A piece of a step of advice; code is what one types or pastes."""

    kind: Literal["text", "code"]
    text: str


@dataclass(frozen=True)
class FindingView:
    """A finding, fit to be shown."""

    id: str
    severity: Severity
    kind: Literal["cause", "also", "remark"]
    title: str
    when: str
    observed: tuple[str, ...]
    steps: tuple[tuple[Part, ...], ...]
    guide: str
    links: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    """Failed checks that it explains: name, and anchor on the page."""
    followers: int
    """Blocked checks that follow."""


def findings_of(verdict: Verdict) -> list[FindingView]:
    """Turn the findings into what is shown, the root cause first."""
    anchors = anchors_of(verdict)
    failed = {c.name for c in verdict.checks if c.outcome == "failed"}
    return [_view(f, verdict.root_cause, failed, anchors) for f in verdict.findings]


def _view(finding: Finding, root: str | None, failed: set[str], anchors: Mapping[str, str]) -> FindingView:
    mine = [name for name in finding.explains if name in failed]
    return FindingView(
        id=clean(finding.id, 60),
        severity=finding.severity,
        kind="cause" if finding.id == root else "also" if finding.explains else "remark",
        title=clean(finding.title),
        when=when(finding.id),
        observed=tuple(block(text, 800) for text in finding.observed[:LINES] if text.strip()),
        steps=tuple(tuple(parts(text)) for text in finding.advice[:LINES]),
        guide="" if finding.guide_section == "-" else clean(finding.guide_section, 120),
        links=tuple(url for url in map(link, finding.links[:6]) if url),
        failed=tuple((clean(short(name), 80), anchors[name]) for name in mine),
        followers=len(finding.explains) - len(mine),
    )


def when(fault: str) -> str:
    """Say at which point in the life of a job a fault strikes; empty where the catalogue does not tell."""
    entry = catalogue().get(fault)
    stage = STAGES.index(entry.stage) if entry else len(STAGES)
    return next((words for latest, words in WHEN if stage <= STAGES.index(latest)), "")


def parts(advice: str) -> list[Part]:
    """Part a step of advice: indented lines are code, the others are words."""
    found: list[Part] = []
    for chunk in re.split(r"(?m)^(?=\S)|(?<=\n)(?=[ \t])", advice):
        kind: Literal["text", "code"] = "code" if chunk[:1] in (" ", "\t") else "text"
        if found and found[-1].kind == kind:
            found[-1] = Part(kind, found[-1].text + chunk)
        else:
            found.append(Part(kind, chunk))
    shown = [Part(p.kind, block(textwrap.dedent(p.text)) if p.kind == "code" else clean(p.text, 1200)) for p in found]
    return [p for p in shown if p.text.strip()]


def sentence(verdict: Verdict, life: Life | None = None) -> str:
    """Say the verdict in one sentence; of a run that still runs, how far it is."""
    if verdict.verdict == "passed" and life:
        words = headline(life)
        return f"{words[0].upper()}{words[1:]}."
    if verdict.verdict == "passed":
        return "W&B works for this job."
    if verdict.verdict == "failed":
        cause = next((f for f in verdict.findings if f.id == verdict.root_cause), None)
        return f"W&B does not work for this job: {clean(cause.title)}." if cause else "W&B does not work for this job."
    count = sum(c.outcome in ("not_checked", "blocked") for c in verdict.checks)
    if not count:
        return "Nothing could be judged: no check was made to its end."
    return f"This could not be settled: {count} of {len(verdict.checks)} checks could not be made."


def doubts(checks: Sequence[CheckResult]) -> list[tuple[str, int]]:
    """Say why checks could not be made: each reason, and of how many checks it is the reason."""
    reasons = [clean(c.reason, 600) for c in checks if c.outcome == "not_checked"]
    return [(reason, reasons.count(reason)) for reason in dict.fromkeys(reasons)][:LINES]
