"""Carries out the cure of a scenario as printed, in its own folder and environment, and verifies again from there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.run import _run, command_of, stage_of
from tests.faults.scenario import Scenario, Stage

MOST_STEPS = 4
OFF_STAGE = re.compile(r"\b(pip|conda|apt-get) +install\b|\bHOME=|/bin/\*|\bmodule +(load|use|unload)\b")
"""What would change the installation that runs the tests, or the home of whoever runs them: never carried out here."""


@dataclass(frozen=True)
class Cured:
    """What the cures of a scenario came to."""

    scenario: Scenario
    causes: tuple[str, ...]
    """Root causes, each after the cure of the one before it; None stands for a verification that passed."""
    cures: tuple[Mapping[str, Any] | None, ...]
    """What was carried out between them."""
    output: str
    """What the last verification printed."""
    leaks: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Of the first cure; `sketch` where nothing could be carried out."""
        first = self.cures[0] if self.cures else None
        if first is None:
            return "none"
        ready = first["commands"] or first["patch"]
        return first["kind"] if ready or first["kind"] == "outside" else "sketch"

    @property
    def refused(self) -> bool:
        """Whether the last cure was left alone, for it reaches beyond the scenario."""
        return bool(self.cures) and off_stage(self.cures[-1])

    @property
    def by_first(self) -> bool:
        """Whether the verification passed after one cure."""
        return self.causes[1:] == ("passed",)

    @property
    def in_the_end(self) -> bool:
        """Whether it passed after some."""
        return self.causes[-1] == "passed"


def off_stage(found: Mapping[str, Any] | None) -> bool:
    """Whether a cure would change more than the stage of its scenario."""
    return bool(found) and any(OFF_STAGE.search(line) for line in found["commands"])


def cure(scenario: Scenario, most: int = MOST_STEPS) -> Cured:
    """Play a scenario, and carry out one cure after the other until it passes or nothing new comes."""
    root = Path(tempfile.mkdtemp(prefix=f"cure-{scenario.name[:20]}-"))
    causes: list[str] = []
    cures: list[Mapping[str, Any] | None] = []
    before: list[str] = []
    try:
        with stage_of(scenario, root) as stage:
            command = command_of(scenario, stage)
            stage.env["PIP_DRY_RUN"] = "1"  # should a cure install something all the same
            for step in range(most + 1):
                verdict, output = _verify(stage, command, before, step, scenario.timeout_s)
                cause = "passed" if verdict.get("verdict") == "passed" else str(verdict.get("root_cause"))
                causes.append(cause)
                if cause == "passed" or causes.count(cause) > 1 or step == most:
                    break
                found = verdict["findings"][0]["cure"] if verdict.get("findings") else None
                cures.append(found)
                if not found or not (found["commands"] or found["patch"]) or off_stage(found):
                    break
                if found["patch"]:
                    before.append(f"patch -p1 < {shlex.quote(str(_saved(root, step, found['patch'])))}")
                before += found["commands"]
            key = stage.server.api_key
        cured = json.dumps(cures)
        leaks = [*(["a cure"] if key in cured else []), *(["the terminal"] if key in output else [])]
        leaks += [str(f) for f in root.glob("report*/**/*") if f.is_file() and key.encode() in f.read_bytes()]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return Cured(scenario, tuple(causes), tuple(cures), output, tuple(leaks))


def _saved(root: Path, step: int, patch: str) -> Path:
    path = root / f"cure-{step}.patch"
    path.write_text(patch)
    return path


def _verify(
    stage: Stage, command: list[str], before: list[str], step: int, limit_s: float
) -> tuple[Mapping[str, Any], str]:
    """Verify in a bash in which the cures so far were carried out; edits of files are made once, in their step."""
    report = stage.root / f"report-{step}"
    whole = [*command[:-1], str(report)]
    asked = f"printf '%s\\n' {shlex.quote(stage.server.api_key)} | cat" if before else ":"
    done = stage.root / "done.sh"
    # A patch or a sync of an earlier step stays done; what it exported is exported again.
    lines = [line for line in before if not (done.exists() and line in done.read_text().splitlines() and _once(line))]
    done.write_text("\n".join(before))
    script = "\n".join([f"exec < <({asked})", *lines, "exec < /dev/null", shlex.join(whole)])
    output, _ = _run(["bash", "-c", script], stage, limit_s)
    found = next(report.rglob("verdict.json"), None)
    return (json.loads(found.read_text()) if found else {"verdict": "none"}), output


def _once(line: str) -> bool:
    return not line.startswith(("export ", "unset ", "ulimit "))


def bash(lines: list[str]) -> int:
    """Whether bash can read these lines."""
    return subprocess.run(["bash", "-n", "-c", "\n".join(lines)], check=False, capture_output=True).returncode
