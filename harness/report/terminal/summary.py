"""The closing summary on the terminal: the checks, the verdict, one cause and one cure, and where the files are."""

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean, seen
from harness.judging.live.of_evidence import life_of
from harness.judging.live.words import headline
from harness.judging.verdict import Finding, RunSummary, Verdict
from harness.report import attempts
from harness.report.annotations import annotations
from harness.report.charts.sparkline import curves
from harness.report.github import release
from harness.report.html.checks import short
from harness.report.next_commands import next_commands
from harness.report.roles import told_roles
from harness.report.run_directories import others
from harness.report.run_directories import told as told_folders
from harness.report.terminal.live import told as told_moment
from harness.report.terminal.tree import tree
from harness.report.terminal.wrapping import wrapped
from harness.report.text import plural
from harness.settings.report_folder import REPORTS
from harness.verification.progress import Moment

if TYPE_CHECKING:
    import pytest

    from harness.verification.session import Session

FILES = (*REPORTS, "job.log")
WORDS = {
    "passed": "passed: W&B works for this job",
    "failed": "failed",
    "inconclusive": "inconclusive: something could not be checked",
}
COLOURS = {"passed": "green", "failed": "red", "inconclusive": "yellow"}
MOST_RUNS = 4


def summary(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Write the summary below pytest's own; what matters most comes last, next to the prompt."""
    verdict = session.judged
    if verdict is None:
        return
    width = max(40, min(shutil.get_terminal_size().columns, 100))
    wordy = terminal.config.option.verbose >= 0
    terminal.write_sep("=", "W&B verification", bold=True)
    # With -q the tree says no more than what pytest has just shown of each check.
    shown = not wordy and terminal.config.option.tbstyle not in ("no", "line")
    for line in () if shown else tree(verdict.checks, width, whole=wordy):
        terminal.write_line(line.text, **({line.colour: True} if line.colour else {}))
    for text in (*facts(session, verdict, width), "") if wordy else ():
        terminal.write_line(text)
    life = life_of(session.gathered) if session.gathered and verdict.verdict == "passed" else None
    words = f"passed: {headline(life)}" if life else WORDS[verdict.verdict]
    terminal.write_line(f"verdict: {words}", **{COLOURS[verdict.verdict]: True, "bold": True})
    alone = sum(bool(f.explains) for f in verdict.findings) == 1
    # What is merely worth knowing would hide what is to be mended; the report has it.
    remarks = [f for f in verdict.findings if f.severity == "info" and not f.explains]
    loud = [f for f in verdict.findings if verdict.verdict == "passed" or f not in remarks]
    before: set[str] = set()
    for finding in loud:
        first, *rest = told(finding, width, root=finding.id == verdict.root_cause, alone=alone, before=before)
        terminal.write_line(first, bold=True)
        for text in rest:
            terminal.write_line(text)
    if len(loud) < len(verdict.findings):
        terminal.write_line(f"besides: {plural(len(remarks), 'remark')} in report.html, no fault")
    if verdict.verdict == "inconclusive":
        for text in doubt(session, verdict, session.arguments, width):
            terminal.write_line(text)
    cures(terminal, session)
    files(terminal, session)
    for text in (*release(session.token, os.environ), *annotations(verdict, os.environ)):
        terminal.write_line(text)


def interruption(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Say that there is no verdict, and what is there."""
    by = f" by {session.interrupts.came}" if session.interrupts.came else ""
    terminal.write_sep("=", "W&B verification", bold=True)
    terminal.write_line(f"interrupted{by}: some checks did not run, so there is no verdict")
    moment = session.watched.last if session.watched else None
    for text in so_far(moment) if moment else ():
        terminal.write_line(seen(text))
    saved = session.folder / "evidence.json"
    if saved.exists():
        command = f"{session.settings.command} --replay {shlex.quote(str(saved))}"
        terminal.write_line(seen(f"judge what was gathered so far: {command}"))
    elif session.settings.target == "local":
        terminal.write_line("everything that this verification started has ended")
    files(terminal, session)


def so_far(moment: Moment) -> list[str]:
    """Say what was found out before an interruption."""
    if moment.phase == "preflight":
        return ["so far: the setup was being looked at; no job was started"]
    found = [f"so far: the setup was good enough to start the job; last seen: {' '.join(told_moment(moment))}"]
    return [*found, f"run: {moment.run_url}"] if moment.run_url else found


def facts(session: "Session", verdict: Verdict, width: int) -> list[str]:
    """Tell the job, the runs, and the curves of loss and GPUs, below an empty line."""
    job = slurm_job(verdict)
    drawn = curves(session.gathered, width, getattr(sys.__stdout__, "encoding", None))
    found = [
        *([job] if job else []),
        *runs(verdict),
        *(part for line in attempts.lines(verdict) for part in wrapped(line, width, "", "  ")),
        *rehearsed(verdict, width),
        *played(session.gathered),
        *folders(session.gathered, width),
        *drawn,
    ]
    return ["", *found] if found else []


def rehearsed(verdict: Verdict, width: int) -> list[str]:
    """Tell what came of each case that was rehearsed."""
    lines: list[str] = []
    for one in verdict.rehearsals:
        lines += wrapped(clean(f"{one.case}: {one.text}", 400), width, "", "  ")
    return lines


def played(evidence: Evidence | None) -> list[str]:
    """Name the series that were judged, where nobody had named them."""
    told = told_roles(evidence) if evidence else ""
    return [clean(f"judged: {told}", 200)] if told else []


def doubt(session: "Session", verdict: Verdict, arguments: Sequence[str], width: int) -> list[str]:
    """Say what to do where nothing failed, and something could not be checked."""
    again = next_commands(session.settings, session.folder, session.gathered or Evidence(), verdict, arguments)
    if again.reread:
        command = textwrap.indent(again.reread, "  ")
        how = "read the same run again, without a new job"
        return step(f"No check failed. When this is fixed, {how}:\n{command}", width, "  do: ")
    return step("No check failed. When this is fixed, verify again.", width, "  do: ")


def slurm_job(verdict: Verdict) -> str | None:
    """Say how a Slurm job ended and what it cost."""
    slurm = verdict.job.get("slurm")
    if not isinstance(slurm, dict):
        return None
    if slurm.get("job_id") is None:
        return "job: none was submitted, so nothing is billed"
    parts = [clean(f"job: {slurm['job_id']} {slurm.get('final_state') or 'not seen to its end'}")]
    if slurm.get("elapsed_s") is not None:
        parts.append(f"{slurm['elapsed_s']:.0f} s")
    if slurm.get("gpu_hours") is not None:
        payer = f" of {slurm['account']}" if slurm.get("account") else ""
        parts.append(f"{slurm['gpu_hours']:.2f} GPU-hours{payer}")
    return ", ".join(parts)


def runs(verdict: Verdict) -> list[str]:
    """Name the runs: the first ones, and how many more."""
    shown, more = verdict.runs[:MOST_RUNS], len(verdict.runs) - MOST_RUNS
    named = [clean(f"run: {r.url or _on_disk(r)}") for r in shown]
    return [*named, f"and {more} more {'run' if more == 1 else 'runs'}"] if more > 0 else named


def _on_disk(run: RunSummary) -> str:
    path = "/".join(part for part in (run.entity, run.project, run.id) if part)
    return f"{path}: on disk only"


def folders(evidence: Evidence | None, width: int) -> list[str]:
    """Tell of each run directory that was judged; a command keeps its line, to be pasted."""
    lines: list[str] = []
    rest = others(evidence)
    for run, sentences in told_folders(evidence):
        lines.append(seen(f"folder: {run.path}"))
        for words, command in sentences:
            lines += wrapped(seen(words), width, "  ", "    ")
            if command:
                lines.append(f"      {seen(command)}")
    return [*lines, *wrapped(rest, width, "", "  ")] if rest else lines


def cures(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Say what came of the cures that were tried, and how the edit is applied."""
    for text in session.trials:
        terminal.write_line(seen(text))
    if (session.folder / "cure.patch").exists():
        patch, where = (shlex.quote(str(path)) for path in (session.folder / "cure.patch", session.settings.cwd))
        terminal.write_line(seen(f"edit:   patch -d {where} -p1 < {patch}"))


def files(terminal: "pytest.TerminalReporter", session: "Session") -> None:
    """Say where the reports are, and which of them could not be written."""
    terminal.write_line(seen(f"report: {session.folder}"))
    written = [n for n in FILES if (session.folder / n).exists()]
    terminal.write_line(f"        {', '.join(written)}")
    for text in session.unwritten:
        terminal.write_line(seen(f"could not be written: {text}"))


def told(finding: Finding, width: int, *, root: bool, alone: bool, before: "set[str] | None" = None) -> list[str]:
    """Tell a finding in wrapped lines; a cause that stands alone explains all that is above it.

    `before` holds the lines that were shown already, and takes those of this finding: they are shown once.
    """
    kind = "cause" if root else "also" if finding.explains else finding.severity
    lines = wrapped(seen(f"{kind}: {finding.id}: {finding.title}"), width, "", "  ")
    for text in finding.observed[:4]:
        lines += wrapped(f"seen: {seen(text[:300])}", width, "  ", "    ")
    for number, text in enumerate(finding.advice):
        lines += step(_once(seen(text), before), width, "  do: ")
        if number == 0 and finding.cure and finding.cure.trial:
            lines += wrapped(seen(finding.cure.trial), width, "  ", "    ")
    if finding.explains and not alone:
        lines += wrapped(explained(finding.explains), width, "  ", "    ")
    return lines


def _once(text: str, before: "set[str] | None") -> str:
    """A step of advice whose lines of code were shown before, without them."""
    words, _, code = text.partition("\n")
    if before is None or not code:
        return text
    again = code in before
    before.add(code)
    return f"{words.rstrip(':')} (the same lines as above)" if again else text


def explained(checks: Sequence[str]) -> str:
    """Name the checks that a cause explains: the first three, and how many more."""
    named = [seen(short(name)) for name in checks]
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
            lines += wrapped(part, width, hang if lines else first, hang)
    return lines
