"""Puts a question to the job's Python, and brings what it prints; `interpreter` reads that. Imports next to nothing."""

from __future__ import annotations

import importlib.resources
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("protobuf", "pydantic", "numpy", "torchvision", "tensorboard")
PATIENCE_S = 20.0
"""The import of wandb takes 0.6 s of a CPU, and many times that from a busy parallel file system."""
MARK = "harness-job-python:"


@dataclass(frozen=True)
class Interpreter:
    """How the job's Python is started."""

    command: tuple[str, ...]
    """What stands before `-c`."""
    name: str
    """What it is called in the evidence."""
    patience_s: float = PATIENCE_S


class Printed(NamedTuple):
    """What it printed, and its exit code: None where it did not end in time and was killed, wrappers and all."""

    output: str
    errors: str
    code: int | None


@dataclass(frozen=True)
class Question:
    """Which Python is asked, and where: two that are the same have the same answer."""

    interpreter: Interpreter
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    script: Path | None
    """The search path begins with its folder, as for `python script.py`; without one, with the current folder."""

    def ask(self) -> Printed:
        """Ask, and wait for the end.

        Raises:
            OSError: there is no such program, or it must not be run.
        """
        script = self.script
        first = str((self.cwd / script).parent if script is not None and script.suffix == ".py" else self.cwd)
        text = (importlib.resources.files("harness.jobs") / "sdk_probe.py").read_text(encoding="utf-8")
        with subprocess.Popen(
            [*self.interpreter.command, "-c", text, first, ",".join(("wandb", "torch", *PACKAGES)), MARK],
            cwd=self.cwd,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=self.interpreter.patience_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, errors = process.communicate()
                return Printed(output, errors, None)
            return Printed(output, errors, process.returncode)
