"""Reads `--job` and `--job-args`: a Python script, a module, or a shell script, and what it is started with."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.settings.model import SettingsError
from harness.settings.values import existing_file

MODULE = re.compile(r"-m\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
RUN_BY = re.compile(rb"#!([^\r\n]*)")
"""The first line, which names the program that runs the file."""
BATCH_LINE = re.compile(r"^#SBATCH\b", re.MULTILINE)


def job_of(text: str | None, cwd: Path, *, here: bool) -> tuple[Path | None, str | None]:
    """Return the job's file and, where it is started as one, its module.

    Args:
        text: `train.py`, `-m package.module`, `train.sh`.
        cwd: where a path begins, and the first place where a module is looked for.
        here: whether the job runs on this machine, so that all that it needs must be here.

    Raises:
        SettingsError: there is no such job, or it cannot be started here.
    """
    if text and text.lstrip().startswith("-"):
        name = MODULE.fullmatch(text.strip())
        if not name:
            raise SettingsError(f"--job: {text!r} is not a module; write --job='-m package.module', without arguments.")
        found = next((path for path in _places(name[1], cwd) if path.is_file()), None)
        if found is None and here:
            raise SettingsError(
                f"--job: there is no module {name[1]} in {cwd}, nor is one installed beside the harness."
            )
        return found or next(_places(name[1], cwd)), name[1]
    job = existing_file(text, "--job", cwd)
    if job and here and job.suffix != ".py":
        _refuse_batch(job)
    return job, None


def _places(module: str, cwd: Path) -> Iterator[Path]:
    """Where Python would find the module, in its order; nothing is imported."""
    part = Path(*module.split("."))
    for folder in (cwd, *(Path(entry) for entry in sys.path if entry)):
        yield folder / part.with_suffix(".py")
        yield folder / part / "__main__.py"


def _refuse_batch(job: Path) -> None:
    """Refuse what bash, which would run it, cannot understand."""
    if job.suffix == ".ipynb":
        raise SettingsError(
            f"--job: {job.name} is a notebook; save it as a script, and give that: jupyter nbconvert --to script "
            f"{shlex.quote(job.name)}"
        )
    try:
        text = job.read_bytes()[: 1 << 20]
    except OSError as error:
        raise SettingsError(f"--job: {job} cannot be read ({error.strerror}).") from None
    if b"\0" in text:
        raise SettingsError(
            f"--job: {job.name} is a program; give a Python script, -m package.module or a shell script."
        )
    if (runs := RUN_BY.match(text)) and b"python" in runs[1]:
        raise SettingsError(f"--job: {job.name} is a Python script; give it the ending .py, by which it is known.")
    if b"\r\n" in text:
        raise SettingsError(
            f"--job: {job.name} has the line ends of Windows, which bash takes for parts of commands; take them out: "
            f"sed -i 's/\\r$//' {shlex.quote(str(job))}"
        )
    if BATCH_LINE.search(text.decode(errors="replace")):
        raise SettingsError(
            f"--job {job.name}: it is a batch script, which needs --lumi; without it, give what it starts."
        )


def arguments(text: str | None, *, job: Path | None) -> tuple[str, ...]:
    """Split the arguments as a shell does; nothing in them is expanded.

    Raises:
        SettingsError: a quote is left open, or there is no job of one's own to be given them.
    """
    if not text:
        return ()
    if job is None:
        raise SettingsError("--job-args are the arguments of your own job: add --job, or leave --job-args out.")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise SettingsError(f"--job-args: {text!r} cannot be split ({str(error).lower()}).") from None
