"""Carries out the cure of a scenario as printed, in its own folder and environment, and verifies again from there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judging.verdict import Verdict
from tests.faults.run import _run, command_of, stage_of
from tests.faults.scenario import Scenario, Stage

MOST_STEPS = 4
OFF_STAGE = re.compile(r"\b(conda|apt-get) +install\b|\bmodule +(load|use|unload)\b")
"""What would change the machine that runs the tests: never carried out here."""


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
    by_hand: bool = False
    """Whether one of them was a sketch, and was written as the scenario says that somebody would."""

    @property
    def left_to_others(self) -> bool:
        """Whether in the end somebody else has to act."""
        last = self.cures[-1] if self.cures else None
        return bool(last) and last["kind"] == "outside" and not ready(last)

    @property
    def by_first(self) -> bool:
        """Whether the verification passed after one cure."""
        return self.causes[1:] == ("passed",)

    @property
    def in_the_end(self) -> bool:
        """Whether it passed after some."""
        return self.causes[-1] == "passed"


def ready(found: Mapping[str, Any]) -> bool:
    """Whether a cure can be carried out as it stands."""
    return bool(found["commands"] or found["patch"])


def elsewhere(verdict: Verdict, scenario: Scenario) -> bool:
    """Whether a verdict finds the fault of a scenario, and leaves it to somebody else."""
    first = verdict.findings[0] if verdict.findings else None
    cure = first.cure if first and first.id == scenario.expect else None
    return cure is not None and cure.kind == "outside" and not cure.ready


def off_stage(found: Mapping[str, Any] | None) -> bool:
    """Whether a cure would change more than the stage of its scenario."""
    return bool(found) and any(OFF_STAGE.search(line) for line in found["commands"])


def cure(scenario: Scenario, most: int = MOST_STEPS) -> Cured:
    """Play a scenario, and carry out one cure after the other until it passes or nothing new comes."""
    root = Path(tempfile.mkdtemp(prefix=f"cure-{scenario.name[:20]}-"))
    causes: list[str] = []
    cures: list[Mapping[str, Any] | None] = []
    before: list[str] = []
    by_hand = False
    try:
        with stage_of(scenario, root) as stage:
            command = command_of(scenario, stage)
            _fenced(stage)
            for step in range(most + 1):
                verdict, output = _verify(scenario, stage, command, before, step)
                cause = "passed" if verdict.get("verdict") == "passed" else str(verdict.get("root_cause"))
                causes.append(cause)
                if cause == "passed" or causes.count(cause) > 1 or step == most:
                    break
                found = verdict["findings"][0]["cure"] if verdict.get("findings") else None
                cures.append(found)
                if found and not ready(found) and found["kind"] != "outside" and scenario.by_hand and not by_hand:
                    by_hand = True
                    before += map(stage.fill, scenario.by_hand)
                    continue
                if not found or not ready(found) or off_stage(found):
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
    return Cured(scenario, tuple(causes), tuple(cures), output, tuple(leaks), by_hand)


def _fenced(stage: Stage) -> None:
    """Keep on the stage what a cure installs, and where it looks for the user's home."""
    tools, packages = stage.root / "tools", stage.root / "packages"
    tools.mkdir()
    (tools / "getent").write_text(f"#!/bin/sh\necho user:x:1000:1000::{stage.home}:/bin/bash\n")
    (tools / "getent").chmod(0o755)
    before = stage.env.get("SCENARIO_SDK")
    stage.env |= {
        "PATH": f"{tools}{os.pathsep}{stage.env['PATH']}",
        "PIP_TARGET": str(packages),
        "SCENARIO_SDK": os.pathsep.join([str(packages), *filter(None, [before])]),
    }


def _saved(root: Path, step: int, patch: str) -> Path:
    path = root / f"cure-{step}.patch"
    path.write_text(patch)
    return path


def _verify(
    scenario: Scenario, stage: Stage, command: list[str], before: list[str], step: int
) -> tuple[Mapping[str, Any], str]:
    """Verify in a bash in which the cures so far were carried out; edits of files are made once, in their step."""
    report = stage.root / f"report-{step}"
    whole = [*command[:-1], str(report)]
    asked = f"yes {shlex.quote(stage.fill(scenario.answer))}" if before else ":"
    done = stage.root / "done.sh"
    # A patch or a sync of an earlier step stays done; what it exported is exported again.
    lines = [line for line in before if not (done.exists() and line in done.read_text().splitlines() and _once(line))]
    done.write_text("\n".join(before))
    script = "\n".join([f"exec < <({asked})", *lines, "exec < /dev/null", shlex.join(whole)])
    output, _ = _run(["bash", "-c", script], stage, scenario.timeout_s)
    found = next(report.rglob("verdict.json"), None)
    return (json.loads(found.read_text()) if found else {"verdict": "none"}), output


def _once(line: str) -> bool:
    return re.search(r"\b(export|unset|ulimit) ", line) is None
