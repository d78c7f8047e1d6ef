"""A user's desk: a folder that is a clone and holds a training script, a home, and a W&B server of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.repository import REPOSITORY as CLONE

IN_CLONE = ("checks", "conftest.py", "pyproject.toml", "examples")


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    text: str
    verdict: dict[str, Any] | None


@dataclass(frozen=True)
class Desk:
    """Runs the pages' commands as they stand, but for the words that they leave to the user."""

    folder: Path
    env: dict[str, str]

    def run(self, command: str, **words: str) -> Done:
        """Run a command in a shell."""
        for word, value in {"CLONE": str(CLONE), **words}.items():
            command = command.replace(word, value)
        before = set(self._verdicts())
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip
        new = [p for p in self._verdicts() if p not in before]
        return Done(done.returncode, done.stdout + done.stderr, json.loads(new[0].read_text()) if new else None)

    def _verdicts(self) -> list[Path]:
        return [*self.folder.glob(".harness/*/verdict.json"), *self.folder.glob("report/verdict.json")]


def lay(folder: Path, home: Path, server: dict[str, str], script: str) -> Desk:
    """Lay a desk."""
    for name in IN_CLONE:
        (folder / name).symlink_to(CLONE / name)
    (folder / "train.py").write_text(script)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS", "PYTEST", "GITHUB", "SLURM"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"HOME": str(home), "PATH": path, "PYTEST_ADDOPTS": "-p no:cacheprovider", "WANDB_ERROR_REPORTING": "false"}
    return Desk(folder, {**clean, **server, **own})
