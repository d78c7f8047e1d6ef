"""A copy to try a cure in: the job's folder and the home folder, of links, with copies of what a cure may change."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

COPIED_AT_HOME = (".netrc", ".config", ".wandb_key")
NEVER = ("wandb", "__pycache__", ".harness", ".git")
"""Run directories and compiled modules: made anew, and no cure needs the old ones."""
_LONGEST_CONFIG = 1 << 20


def copied_home(home: Path, copy: Path) -> Path:
    """A home folder whose entries are those of the real one, and whose settings may be changed."""
    return _linked(home, copy, copied=COPIED_AT_HOME)


def copied_folder(folder: Path, copy: Path, script: Path | None) -> Path:
    """The job's folder, whose own files of code and settings may be changed; its data are links."""
    files = [p.name for p in folder.iterdir() if p.is_file() and _is_code(p)] if folder.is_dir() else []
    _linked(folder, copy, copied=files, left_out=NEVER)
    settings = folder / "wandb" / "settings"
    if settings.is_file():
        (copy / "wandb").mkdir()
        shutil.copy(settings, copy / "wandb" / "settings")
    elif (folder / "wandb" / "__init__.py").is_file():
        shutil.copytree(folder / "wandb", copy / "wandb")
    if (
        script and folder in script.parents and script.parent != folder
    ):  # links on the way to it would be edited through
        _own_way(folder, copy, script.relative_to(folder))
    return copy


def _is_code(path: Path) -> bool:
    return path.suffix in (".py", ".sh", ".sbatch", ".env", ".yaml", ".yml", ".json", ".ini", ".cfg", ".toml") and (
        path.stat().st_size <= _LONGEST_CONFIG
    )


def _own_way(folder: Path, copy: Path, script: Path) -> None:
    """Folders of their own, in place of links, down to the script, which is a copy."""
    for part in list(script.parents)[-2::-1]:
        (copy / part).unlink(missing_ok=True)
        inner = [p.name for p in (folder / part).iterdir() if p.is_file() and _is_code(p)]
        _linked(folder / part, copy / part, copied=inner, left_out=NEVER)


def _linked(folder: Path, copy: Path, *, copied: Iterable[str], left_out: Iterable[str] = ()) -> Path:
    copy.mkdir(parents=True)
    for entry in folder.iterdir() if folder.is_dir() else ():
        place = copy / entry.name
        if entry.name in left_out:
            continue
        if entry.name not in copied:
            place.symlink_to(entry)
        elif entry.name == ".config":
            _linked(entry, place, copied=("wandb",))
        elif entry.is_dir():
            shutil.copytree(entry, place)
        elif os.access(entry, os.R_OK):
            shutil.copy2(entry, place)
    return copy
