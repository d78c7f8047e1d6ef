"""What to type next: verify again, read the same run again, judge the same evidence again, pack it for support."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.models import Evidence, Request
from harness.evidence.redaction.redactor import redact
from harness.judging.verdict import RunSummary, Verdict
from harness.settings.model import Settings
from harness.settings.places import CHECK, CHECKS, called


@dataclass(frozen=True)
class NextCommands:
    """Commands, each of one or more lines; empty where there is none."""

    verify: str = ""
    reread: str = ""
    replay: str = ""
    bundle: str = ""
    explain: str = ""
    """Stands before a fault's id."""


def next_commands(
    settings: Settings, folder: Path, evidence: Evidence, verdict: Verdict, arguments: Sequence[str]
) -> NextCommands:
    """Return the commands; `arguments` is what was typed after the command, `folder` where the reports are."""
    python, command = shlex.quote(sys.executable), called()
    installed = settings.command == CHECK
    check = f"{command} check" if installed else f"cd {shlex.quote(str(CHECKS.parent))}\n{python} -m pytest checks"
    again = f"{command} check" if installed else f"{python} -m pytest"
    saved = settings.replay or folder / "evidence.json"
    run = _readable_run(evidence.request, verdict.runs)
    given = redact(shlex.join(arguments))
    read = shlex.join(_read_options(evidence.request, run, folder)) if run else ""
    return NextCommands(
        verify=f"cd {shlex.quote(str(settings.cwd))}\n{again} {given}".rstrip(),
        reread=f"{check} {read}" if read else "",
        replay=f"{check} --replay {shlex.quote(str(saved))}",
        bundle=f"{command} bundle {shlex.quote(str(folder))}",
        explain=f"{command} explain" if installed else f"{python} -m harness explain",
    )


def _readable_run(request: Request, runs: Sequence[RunSummary]) -> RunSummary | None:
    """Name the job's run, where it stays on a server: the loopback server ends with the verification."""
    if request.source != "job" or request.server != "real" or not request.wants_server:
        return None
    named = [r for r in runs if r.entity and r.project and r.id]
    return next((r for r in named if r.source == "server"), named[0] if named else None)


def _read_options(request: Request, run: RunSummary, folder: Path) -> list[str]:
    options = ["--run", f"{run.entity}/{run.project}/{run.id}"]
    if (log := folder / "job.log").exists():
        options += ["--job-log", str(log)]
    if request.expect != Request().expect and not request.expect_auto:
        options += ["--expect", ",".join(request.expect)]
    if request.expect_points != Request().expect_points:
        options += ["--expect-points", str(request.expect_points)]
    return options
