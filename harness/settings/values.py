"""Readers of single values: numbers, paths, patterns, lists. Each raises SettingsError for what cannot be used."""

import glob
import os
import re
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from harness.settings.model import AUTO, SettingsError

_SLURM_OUTPUT = re.compile(r"slurm-(\d+)")
"""How Slurm names the output of a job by itself."""
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh")
"""How files of gzip, zip, xz, zstd and bzip2 begin."""


def whole_number(text: str | None, flag: str, *, least: int, default: int, most: int = 10**9) -> int:
    """Read a whole number within its bounds; the default where none is given."""
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,12}", text.strip()) or not least <= int(text) <= most:
        upper = f" and at most {most}" if most < 10**9 else ""
        raise SettingsError(f"{flag}: {text!r} is not a whole number of at least {least}{upper}.")
    return int(text)


def minutes(text: str, flag: str) -> float:
    """Read a number of minutes above 0."""
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", text.strip()) or not float(text):
        raise SettingsError(f"{flag}: {text!r} is not a number of minutes above 0.")
    return float(text)


def _expanded(text: str, flag: str) -> str:
    try:
        return str(Path(text).expanduser())
    except RuntimeError:  # no such user, or a container whose user has neither an account nor HOME
        raise SettingsError(f"{flag}: {text} begins with a home folder that is not known here; write it out.") from None


def path_of(text: str | None, flag: str, cwd: Path) -> Path | None:
    """Return the absolute path, whether or not anything is there; None where none is given."""
    return (cwd / _expanded(text, flag)).absolute() if text else None


def existing_file(text: str | None, flag: str, cwd: Path) -> Path | None:
    """Return the absolute path of a file that is there."""
    path = path_of(text, flag, cwd)
    if path and not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else _absent(path)
        raise SettingsError(f"{flag}: {path} {what}; {_meant(path)}")
    if path:
        _readable(path, flag)
    return path


def _absent(path: Path) -> str:
    if path.is_symlink():
        return f"is a link to {path.readlink()}, which does not exist"
    return "is no ordinary file" if path.exists() else "does not exist"


def _meant(path: Path) -> str:
    """The file beside it whose name comes closest, else what to give."""
    try:
        beside = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except OSError:
        beside = []
    close = [] if path.exists() else get_close_matches(path.name, beside, n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else "give the path of an existing file."


def _readable(path: Path, flag: str) -> None:
    if not os.access(path, os.R_OK):
        raise SettingsError(f"{flag}: {path} cannot be read by you; see whose it is: ls -ld {quote(str(path))}")


def saved_evidence(text: str | None, cwd: Path) -> Path | None:
    """Return the file that `--replay` means: evidence, a bundle, or a report's folder, for its evidence."""
    inside = (cwd / _expanded(text, "--replay") / "evidence.json").absolute() if text else None
    return inside if inside and inside.is_file() else existing_file(text, "--replay", cwd)


def job_logs(text: str | None, cwd: Path, *, alone: bool = False) -> tuple[Path, ...]:
    """Return the files of the job's output: one, or those that a pattern means, such as one of each rank.

    Args:
        text: what was given.
        cwd: where a path begins.
        alone: whether nothing but them tells of the job, so that they must hold something.
    """
    found = _job_logs(text, cwd)
    if alone and found and not any(path.stat().st_size for path in found):
        raise SettingsError(f"--job-log: {text} is empty, and nothing else was given to judge.")
    for path in found:
        with path.open("rb") as file:
            if file.read(8).startswith(PACKED):
                raise SettingsError(f"--job-log: {path} is packed; unpack it, and give the text.")
    return found


def _job_logs(text: str | None, cwd: Path) -> tuple[Path, ...]:
    if not text:
        return ()
    if not glob.has_magic(text) or (cwd / text).exists():
        path = existing_file(text, "--job-log", cwd)
        return (path,) if path else ()
    names = sorted(glob.glob(_expanded(text, "--job-log"), root_dir=cwd))  # noqa: PTH207 - Path.glob() wants no "/…"
    found = tuple(path for name in names if (path := (cwd / name).absolute()).is_file())
    if not found:
        raise SettingsError(f"--job-log: no file matches {text}.")
    for path in found:
        _readable(path, "--job-log")
    jobs = {match[1] for path in found if (match := _SLURM_OUTPUT.match(path.name))}
    if len(jobs) > 1:
        raise SettingsError(f"--job-log: {text} means the output of {len(jobs)} jobs; judge one at a time.")
    return found


def existing_folder(text: str | None, flag: str, cwd: Path) -> Path | None:
    """Return the absolute path of a folder that is there."""
    path = path_of(text, flag, cwd)
    if path and not path.exists():
        raise SettingsError(f"{flag}: {path} does not exist; give a wandb/ folder or one run directory in it.")
    if path and not path.is_dir():
        raise SettingsError(f"{flag}: {path} is a file; give the folder that holds it.")
    if path:
        _readable(path, flag)
    return path


def metric_names(text: str) -> tuple[str, ...]:
    """Split names at commas; each counts once."""
    names = tuple(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    if not names:
        raise SettingsError("--expect: no metric is given; write names joined by commas, such as loss,acc.")
    if AUTO in names:
        raise SettingsError("--expect: auto stands alone, or leave it out and name the metrics.")
    return names
