"""Plays one scenario as a user would: a home, a folder, an environment, `pytest checks`; and judges the verdict."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.loopback.server import LoopbackServer
from harness.settings.exit_codes import EXIT
from harness.settings.model import Settings
from tests.compat.sdks import sdk_python
from tests.faults.right import Judgement, checks, findings, judgement
from tests.faults.scenario import PRELUDE, Scenario, Stage
from tests.repository import REPOSITORY

FOREIGN = ("WANDB", "SBATCH", "SLURM", "PYTEST", "HARNESS", "LUMI", "SCENARIO", "TORCHELASTIC")


@dataclass(frozen=True)
class Played:
    """What came out: the verdict, what a user saw, and where the reports are until the folder is removed."""

    scenario: Scenario
    verdict: Mapping[str, Any] | None
    output: str
    exit_code: int | None
    seconds: float
    folder: Path
    leaks: tuple[str, ...] = ()

    @property
    def findings(self) -> dict[str, str]:
        """Severity of each finding by id, in order."""
        return findings(self.verdict) if self.verdict else {}

    def checks(self, outcome: str) -> dict[str, str]:
        """Checks that came out so: short name, and what is said to be the reason."""
        return checks(self.verdict, outcome) if self.verdict else {}


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that W&B, Slurm or the harness reads."""
    return {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN) and "proxy" not in k.lower()}


@contextlib.contextmanager
def stage_of(scenario: Scenario, root: Path) -> Iterator[Stage]:
    """Set the stage in a new folder: server, home, working folder, files, environment, hook."""
    home, work, temporary = root / "home", root / "work", root / "tmp"
    for folder in (home, work, temporary):
        folder.mkdir(parents=True)
    with LoopbackServer(**scenario.server) as server:
        server.faults.add(*scenario.misbehave)
        own = {"HOME": str(home), "TMPDIR": str(temporary), "WANDB_ERROR_REPORTING": "false"}
        env = clean_environment() | server.environment() | own
        stage = Stage(root=root, home=home, work=work, env=env, server=server, options=list(scenario.options))
        if scenario.sdk:
            site = sdk_python(scenario.sdk).parent.parent / f"lib/python3.{sys.version_info.minor}/site-packages"
            env["SCENARIO_SDK"] = str(site)
        (work / "train.py").write_text(PRELUDE + stage.fill(scenario.job))
        for name, text in scenario.files.items():
            path = home / name[2:] if name.startswith("~/") else work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(stage.fill(text))
            path.chmod(0o600)
        for name, value in scenario.env.items():
            env.pop(name, None)
            if value is not None:
                env[name] = stage.fill(value)
        with scenario.hook(stage) if scenario.hook else contextlib.nullcontext():
            yield stage


def command_of(scenario: Scenario, stage: Stage) -> list[str]:
    """The user's command."""
    how = scenario.command
    if how is None:
        # Who wants the usual two does not say so; a cure may then ask for others.
        ranks = () if scenario.nproc == Settings.nproc else ("--nproc", str(scenario.nproc))
        how = ("--server", "real", "--job", "train.py", *ranks)
    fixed = ("-c", str(REPOSITORY / "pyproject.toml"), "--rootdir", str(REPOSITORY), "-p", "no:cacheprovider")
    given = [stage.fill(word) for word in (*how, *stage.options)]
    report = ("--report", str(stage.root / "report"))
    return [*stage.wrapper, stage.python, "-m", "pytest", str(REPOSITORY / "checks"), *fixed, *given, *report]


def play(scenario: Scenario) -> Played:
    """Run a scenario to its verdict; the folder stays until `remove` is called."""
    # wandb-core puts sockets below TMPDIR, and a socket's path has 107 characters at most.
    root = Path(tempfile.mkdtemp(prefix=f"scenario-{scenario.name[:20]}-"))
    begun = time.monotonic()
    with stage_of(scenario, root) as stage:
        output, code = _run(command_of(scenario, stage), stage, scenario.timeout_s)
        key = stage.server.api_key
    (root / "output.txt").write_text(output)
    report = root / "report"
    verdict = next(report.rglob("verdict.json"), None)
    leaks = [str(f.relative_to(root)) for f in report.rglob("*") if f.is_file() and key.encode() in f.read_bytes()]
    if key in output:
        leaks.append("the terminal")
    return Played(
        scenario=scenario,
        verdict=json.loads(verdict.read_text()) if verdict else None,
        output=output,
        exit_code=code,
        seconds=time.monotonic() - begun,
        folder=root,
        leaks=tuple(leaks),
    )


def _run(command: list[str], stage: Stage, limit_s: float) -> tuple[str, int | None]:
    """Output and exit code; None where the time ran out, after which nothing of the command is left."""
    with subprocess.Popen(
        command, cwd=stage.work, env=stage.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                output, _ = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
            return output, None
    return output, process.returncode


def remove(played: Played) -> None:
    """Remove the folder of a scenario."""
    shutil.rmtree(played.folder, ignore_errors=True)


def judge(played: Played) -> Judgement:
    """Compare what came out with what is right: the verdict, pytest's own count, the exit code, and every file."""
    scenario, verdict = played.scenario, played.verdict
    if verdict is None:
        return Judgement("broken", (f"no verdict, exit code {played.exit_code}", *played.output.splitlines()[-3:]))
    problems = [f"the key is in {place}" for place in played.leaks]
    counted = re.search(r"^=+ .*?\b(\d+) failed\b", played.output.splitlines()[-1]) if played.output else None
    if (int(counted[1]) if counted else 0) != len(checks(verdict, "failed")):
        problems.append(f"pytest counts other failures: {played.output.splitlines()[-1]}")
    if played.exit_code != EXIT[verdict["verdict"]]:
        problems.append(f"verdict {verdict['verdict']}, exit code {played.exit_code}")
    return judgement(scenario, verdict, problems)
