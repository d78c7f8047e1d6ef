"""Makes a folder of its own for each case: what the job found when it started, and nothing that it left behind."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.settings.model import Settings

LEFT_OUT = frozenset({"wandb", ".wandb", ".harness", ".git", ".venv", "__pycache__", "node_modules"})
LARGEST = 16 << 20
"""Bytes; a larger file is linked: data that a job reads."""
MOST_FILES = 2000
"""Of a folder with more, the rest is linked."""


def case_settings(settings: Settings, folder: Path, cwd: Path, since: float) -> Settings:
    """Return the settings of a job that starts in `folder`, a copy of `cwd` as it was at `since`.

    A script that lies in that folder is started from the copy, so that it also finds there what lies beside it.
    """
    folder.mkdir(parents=True)
    if settings.job is None:
        return replace(settings, cwd=folder)
    _copy(cwd, folder, since)
    job = settings.job
    inside = job.is_relative_to(cwd) and (folder / job.relative_to(cwd)).exists()
    return replace(settings, cwd=folder, job=folder / job.relative_to(cwd) if inside else job)


def _copy(source: Path, target: Path, since: float) -> None:
    left = MOST_FILES
    for path, place in _pairs(source, target):
        facts = path.lstat()
        if path.is_dir() and not path.is_symlink():
            if left > 0 and not (facts.st_mtime >= since and _made_since(path, since)):
                place.mkdir(exist_ok=True)
            continue
        if facts.st_mtime >= since:  # the undisturbed job wrote it: a checkpoint, perhaps
            continue
        left -= 1
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            place.symlink_to(path.resolve())
        elif facts.st_size > LARGEST or left < 0:
            place.symlink_to(path)
        elif path.is_file():
            shutil.copy2(path, place)


def _made_since(folder: Path, since: float) -> bool:
    """Whether a folder is newer; where the file system does not tell, it is taken for an old one with new files."""
    done = subprocess.run(["stat", "--format=%.3W", folder], capture_output=True, text=True, check=False)
    try:
        return float(done.stdout) >= since
    except ValueError:
        return False


def _pairs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Every entry below `source` with its place below `target`, folders first; not the target itself."""
    for folder, names, files in os.walk(source):
        here = Path(folder)
        names[:] = [n for n in names if n not in LEFT_OUT and (here / n) not in (target, *target.parents)
                    and not (here / n / "pyvenv.cfg").exists()]  # fmt: skip
        for name in (*names, *files):
            yield here / name, target / (here / name).relative_to(source)
