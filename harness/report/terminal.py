"""The closing summary on the terminal: the verdict, one cause and one cure, and where the files are."""

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.diagnosis.model import Finding, Verdict
from harness.report.github import annotations, release
from harness.report.sparkline import curves
from harness.reportfolder import REPORTS

if TYPE_CHECKING:
    import pytest

    from harness.session import Session

FILES = (*REPORTS, "job.log")
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
    width = min(shutil.get_terminal_size().columns, 100)
    terminal.section("W&B verification", sep="=", bold=True)
    colour = {"passed": "green", "failed": "red", "inconclusive": "yellow"}[verdict.verdict]
    terminal.write_line(f"verdict: {WORDS[verdict.verdict]}", **{colour: True, "bold": True})
    for finding in verdict.findings:
        for text in told(finding, width, root=finding.id == verdict.root_cause):
            terminal.write_line(text)
    for check in verdict.checks:
        if check.outcome == "not_checked":
            terminal.write_line(f"not checked: {check.name}: {check.reason}"[:400])
    if job := slurm_job(verdict):
        terminal.write_line(job)
    for text in runs(verdict):
        terminal.write_line(text)
    for text in curves(session.gathered, width, getattr(sys.__stdout__, "encoding", None)):
        terminal.write_line(text)
    files(terminal, session)
    for text in (*release(session.token, os.environ), *annotations(verdict, os.environ)):
        terminal.write_line(text)


def interruption(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Say that there is no verdict, and what is there."""
    by = f" by {session.interrupts.came}" if session.interrupts.came else ""
    terminal.section("W&B verification", sep="=", bold=True)
    terminal.write_line(f"interrupted{by}: not every check was made, so there is no verdict")
    saved = session.folder / "evidence.json"
    if saved.exists():
        terminal.write_line(f"what was found out can still be judged: --replay {saved}")
    elif session.settings.target == "local":
        terminal.write_line("nothing that this verification started runs any more")
    files(terminal, session)


def slurm_job(verdict: Verdict) -> str | None:
    """Say how a Slurm job ended and what it cost."""
    slurm = verdict.job.get("slurm")
    if not isinstance(slurm, dict):
        return None
    if slurm.get("job_id") is None:
        return "job: none was submitted, so nothing is billed"
    parts = [f"job: {slurm['job_id']} {slurm.get('final_state') or 'not seen to its end'}"]
    if slurm.get("elapsed_s") is not None:
        parts.append(f"{slurm['elapsed_s']:.0f} s")
    if slurm.get("gpu_hours") is not None:
        payer = f" of {slurm['account']}" if slurm.get("account") else ""
        parts.append(f"{slurm['gpu_hours']:.2f} GPU-hours{payer}")
    return ", ".join(parts)


def runs(verdict: Verdict) -> list[str]:
    """Name the runs: the first eight, and how many more."""
    named = [f"run: {r.url or f'{r.entity}/{r.project}/{r.id} ({r.source}, {r.state})'}" for r in verdict.runs[:8]]
    return [*named, f"and {len(verdict.runs) - 8} more runs"] if len(verdict.runs) > 8 else named


def files(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Say where the reports are, and which of them could not be written."""
    terminal.write_line(f"report: {session.folder}")
    written = [n for n in FILES if (session.folder / n).exists()]
    terminal.write_line(f"        {', '.join(written)}")
    for text in session.unwritten:
        terminal.write_line(f"could not be written: {text}")


def told(finding: Finding, width: int, *, root: bool) -> list[str]:
    """Tell a finding in wrapped lines."""
    kind = "cause" if root else "also" if finding.explains else finding.severity
    lines = textwrap.wrap(f"{kind}: {finding.id}: {finding.title}", width, subsequent_indent="  ")
    for text in finding.observed[:4]:
        lines += textwrap.wrap(f"seen: {text[:300]}", width, initial_indent="  ", subsequent_indent="    ")
    for text in finding.advice:
        lines += step(text, width, "  do: ")
    if finding.explains:
        lines += textwrap.wrap(explained(finding.explains), width, initial_indent="  ", subsequent_indent="    ")
    return lines


def explained(checks: Sequence[str]) -> str:
    """Name the checks that a cause explains: the first three, and how many more."""
    named = [name.rpartition("::")[2] for name in checks]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return f"explains: {', '.join(named[:3])}{more}"


def step(text: str, width: int, first: str) -> list[str]:
    """Wrap a step of advice; indented lines are code or commands and stay whole, to be pasted."""
    hang = " " * len(first)
    lines: list[str] = []
    for part in text.splitlines():
        if part.startswith(" "):
            lines.append(f"{hang}{part}")
        else:
            start = hang if lines else first
            lines += textwrap.wrap(part, width, initial_indent=start, subsequent_indent=hang, break_long_words=False)
    return lines
