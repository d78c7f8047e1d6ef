"""What is begun before it is wanted: the Python of a local job takes about a second to answer, as imports do here."""

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.network.background import Background
from harness.evidence.setup.question import Interpreter, Printed, Question
from harness.settings.model import Settings
from harness.targets.environment import user_environment


@dataclass(frozen=True)
class Headstart:
    """How to have a question answered, perhaps one that was put already, and what to do while the job starts."""

    printed: Callable[[Question], Printed] = Question.ask
    meanwhile: Callable[[], None] = lambda: None


def question_here(settings: Settings, environment: Mapping[str, str], cwd: Path) -> Question:
    """What the Python of a job on this machine is asked: this one, or the one that a shell script finds."""
    found = shutil.which("python", path=environment.get("PATH")) if settings.job_kind == "batch" else None
    python = found or sys.executable
    # A module's search path begins with the current folder, a script's with its own.
    script = None if settings.job_module else settings.job
    return Question(Interpreter((python,), python), cwd, environment, script)


def job_folder(settings: Settings, folder: Path) -> Path:
    """Where a job on this machine starts; the built-in one in a folder of its own, made here, beside the reports."""
    if settings.job is None and not settings.slurm.attach:
        (folder / "job").mkdir(exist_ok=True)
    return settings.cwd if settings.job else folder / "job"


def asked_ahead(settings: Settings, folder: Path, environ: Mapping[str, str]) -> Callable[[Question], Printed]:
    """Ask now what a local job's Python will be asked; the embedded server's address is not known yet."""
    if settings.source != "job" or settings.target != "local" or settings.server == "loopback":
        return Question.ask
    asked = question_here(settings, user_environment(environ, None), job_folder(settings, folder))
    answer = Background(asked.ask)
    return lambda question: answer.result() if question == asked else question.ask()
