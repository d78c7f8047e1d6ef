"""The closing summary on the terminal: the verdict, one cause and one cure, and where the files are."""

import textwrap
from typing import TYPE_CHECKING

from harness.diagnosis.model import Finding

if TYPE_CHECKING:
    import pytest

    from harness.session import Session

WORDS = {
    "passed": "passed: W&B works for this job",
    "failed": "failed",
    "inconclusive": "inconclusive: something could not be checked",
}


def summary(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Write the summary below pytest's own."""
    verdict = session.verdict
    if verdict is None:
        return
    width = min(terminal._tw.fullwidth, 100)
    terminal.section("W&B verification", sep="=", bold=True)
    colour = {"passed": "green", "failed": "red", "inconclusive": "yellow"}[verdict.verdict]
    terminal.write_line(f"verdict: {WORDS[verdict.verdict]}", **{colour: True, "bold": True})
    for finding in verdict.findings:
        for text in told(finding, width, root=finding.id == verdict.root_cause):
            terminal.write_line(text)
    for check in verdict.checks:
        if check.outcome == "not_checked":
            terminal.write_line(f"not checked: {check.name}: {check.reason}"[:400])
    for run in verdict.runs[:8]:
        terminal.write_line(f"run: {run.url or f'{run.entity}/{run.project}/{run.id} ({run.source}, {run.state})'}")
    if len(verdict.runs) > 8:
        terminal.write_line(f"and {len(verdict.runs) - 8} more runs")
    for name in ("verdict.json", "evidence.json", "report.html", "summary.md"):
        if (session.folder / name).exists():
            terminal.write_line(f"{name.partition('.')[0]}: {session.folder / name}")


def told(finding: Finding, width: int, *, root: bool) -> list[str]:
    """Tell a finding in wrapped lines."""
    kind = "cause" if root else "also" if finding.explains else finding.severity
    lines = textwrap.wrap(f"{kind}: {finding.id}: {finding.title}", width, subsequent_indent="  ")
    for text in finding.observed[:4]:
        lines += textwrap.wrap(f"seen: {text[:300]}", width, initial_indent="  ", subsequent_indent="    ")
    for text in finding.advice:
        lines += advised(text, width)
    if finding.explains:
        named = ", ".join(n.rpartition("::")[2] for n in finding.explains)
        lines += textwrap.wrap(f"explains: {named}", width, initial_indent="  ", subsequent_indent="    ")
    return lines


def advised(text: str, width: int) -> list[str]:
    """Wrap a step of advice; commands on lines of their own stay whole, to be pasted."""
    lines: list[str] = []
    for index, part in enumerate(text.splitlines()):
        if part.startswith((" ", "$")):
            lines.append(f"      {part.strip()}")
        else:
            indent = "  do: " if index == 0 else "      "
            lines += textwrap.wrap(
                part, width, initial_indent=indent, subsequent_indent="      ", break_long_words=False
            )
    return lines
