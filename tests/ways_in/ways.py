"""Verifies one job live, then the same run again by each other way in, as a user would from a shell."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.run import REPOSITORY, stage_of
from tests.faults.scenario import Scenario, Stage

LIMIT_S = 300.0


@dataclass(frozen=True)
class Answer:
    """What one way in said."""

    exit_code: int
    output: str
    report: Path
    verdict: Mapping[str, Any] | None

    @property
    def root_cause(self) -> str | None:
        """The cause on top, None for a verdict that passed."""
        assert self.verdict is not None, self.output
        cause: str | None = self.verdict["root_cause"]
        return cause

    @property
    def said(self) -> set[str]:
        """Ids of all findings but mere remarks."""
        assert self.verdict is not None, self.output
        return {f["id"] for f in self.verdict["findings"] if f["severity"] != "info"}

    def check(self, name: str) -> Mapping[str, Any]:
        """One check by its name without the file."""
        assert self.verdict is not None, self.output
        return next(c for c in self.verdict["checks"] if c["name"].rpartition("::")[2] == name)

    def outcomes(self, outcome: str) -> dict[str, str]:
        """Checks that came out so, with the reason."""
        assert self.verdict is not None, self.output
        return {c["name"].rpartition("::")[2]: c["reason"] for c in self.verdict["checks"] if c["outcome"] == outcome}


@dataclass(frozen=True)
class Place:
    """A stage on which a job was verified live."""

    stage: Stage
    live: Answer

    @property
    def runs(self) -> list[str]:
        """Paths of the job's runs, the one with the training first."""
        assert self.live.verdict is not None
        return [f"{r['entity']}/{r['project']}/{r['id']}" for r in self.live.verdict["runs"]]

    @property
    def wandb_dir(self) -> Path:
        """The folder that the job left."""
        return self.stage.work / "wandb"

    @property
    def job_log(self) -> Path:
        """What the job printed."""
        return self.live.report / "job.log"

    def ask(self, *options: str | Path, env: Mapping[str, str | None] | None = None) -> Answer:
        """`pytest checks` with these options, from the job's folder."""
        return ask(self.stage, *options, env=env)

    def python(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the interpreter with these arguments, from the job's folder."""
        return subprocess.run(
            [self.stage.python, *arguments], cwd=self.stage.work, env=self.stage.env, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False,
        )  # fmt: skip


def ask(stage: Stage, *options: str | Path, env: Mapping[str, str | None] | None = None) -> Answer:
    """`pytest checks` with these options on the stage; `env` adds variables, None takes one away."""
    report = Path(tempfile.mkdtemp(dir=stage.root, prefix="report-"))
    fixed = ("-c", str(REPOSITORY / "pyproject.toml"), "--rootdir", str(REPOSITORY), "-p", "no:cacheprovider")
    command = [stage.python, "-m", "pytest", str(REPOSITORY / "checks"), *fixed, *options, "--report", str(report)]
    environment = {k: v for k, v in {**stage.env, **(env or {})}.items() if v is not None}
    done = subprocess.run(
        command, cwd=stage.work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace", timeout=LIMIT_S, check=False,
    )  # fmt: skip
    written = report / "verdict.json"
    verdict = json.loads(written.read_text()) if written.exists() else None
    return Answer(done.returncode, done.stdout + done.stderr, report, verdict)


@contextlib.contextmanager
def verified(scenario: Scenario, root: Path) -> Iterator[Place]:
    """Verify the scenario's job live; its folder and its server stay for the other ways in."""
    with stage_of(scenario, root) as stage:
        how = ("--server", "real", "--job", "train.py", "--nproc", str(scenario.nproc), *stage.options)
        yield Place(stage, ask(stage, *how))
