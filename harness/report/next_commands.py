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

CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class NextCommands:
    """Commands, each of one or more lines; empty where there is none."""

    verify: str = ""
    reread: str = ""
    replay: str = ""
    bundle: str = ""


def next_commands(
    settings: Settings, folder: Path, evidence: Evidence, verdict: Verdict, arguments: Sequence[str]
) -> NextCommands:
    """Return the commands; `arguments` is what pytest was called with, `folder` where the reports are."""
    python, there = shlex.quote(sys.executable), f"cd {shlex.quote(str(CLONE))}"
    saved = settings.replay or folder / "evidence.json"
    run = _readable_run(evidence.request, verdict.runs)
    given = redact(shlex.join(arguments))
    read = shlex.join(["checks", *_read_options(evidence.request, run, folder)]) if run else ""
    return NextCommands(
        verify=f"cd {shlex.quote(str(settings.cwd))}\n{python} -m pytest {given}".rstrip(),
        reread=f"{there}\n{python} -m pytest {read}" if read else "",
        replay=f"{there}\n{python} -m pytest checks --replay {shlex.quote(str(saved))}",
        bundle=f"{python} -m harness bundle {shlex.quote(str(folder))}",
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
    if request.expect != Request().expect:
        options += ["--expect", ",".join(request.expect)]
    if request.expect_points != Request().expect_points:
        options += ["--expect-points", str(request.expect_points)]
    return options
