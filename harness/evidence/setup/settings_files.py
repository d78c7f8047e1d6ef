"""Reads the files that the SDK takes its settings from; whatever is wrong with a file is typed trouble."""

from __future__ import annotations

import configparser
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.models.base import Trouble

_LONGEST_FILE = 1 << 20


@dataclass(frozen=True)
class SettingsFile:
    """One settings file: the values of its `[default]` section, or why there are none."""

    path: Path
    exists: bool = False
    values: dict[str, str] = field(default_factory=dict, repr=False)
    trouble: Trouble | None = None


def home_folder(env: Mapping[str, str]) -> str:
    """HOME as `os.path.expanduser` takes it for a process with this environment."""
    if "HOME" in env:
        return env["HOME"].rstrip("/") or "/"
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "~"


def expand_user(path: str, env: Mapping[str, str]) -> str:
    """The path with a leading `~` replaced by the home folder of that environment."""
    if path == "~" or path.startswith("~/"):
        return home_folder(env).rstrip("/") + path[1:] or "/"
    return path


def read_settings_files(env: Mapping[str, str], cwd: Path) -> tuple[SettingsFile, SettingsFile]:
    """The workspace's and the user's file that the SDK would read in that folder.

    WANDB_DIR does not move the workspace file: the SDK reads the files before the environment (measured with 0.19.5,
    0.24.2, 0.28.2, 0.30.0, 0.31.0), although `wandb offline` writes into WANDB_DIR.
    """
    folder = cwd / ".wandb" if _exists(cwd / ".wandb") else cwd / "wandb"
    config = env.get("WANDB_CONFIG_DIR")
    system = Path(expand_user(config or "~/.config/wandb", env)) / "settings"
    return _read(folder / "settings"), _read(cwd / system)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _read(path: Path) -> SettingsFile:
    try:
        text = _bounded_text(path)
    except FileNotFoundError:
        return SettingsFile(path)
    except NotADirectoryError:
        return SettingsFile(path)
    except OSError as error:
        kind = "permission" if isinstance(error, PermissionError) else "other"
        words = error.strerror or type(error).__name__
        return SettingsFile(path, exists=True, trouble=Trouble(kind=kind, text=words, where=str(path)))
    except UnicodeDecodeError:
        trouble = Trouble(kind="protocol", text="not a text file in UTF-8", where=str(path))
        return SettingsFile(path, exists=True, trouble=trouble)
    return _parse(path, text)


def _bounded_text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(_LONGEST_FILE)


def _parse(path: Path, text: str) -> SettingsFile:
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        values = dict(parser.items("default")) if parser.has_section("default") else {}
    except configparser.Error as error:
        # The parser's message quotes the line, which may hold a key.
        line = getattr(error, "lineno", None)
        words = f"not a settings file ({type(error).__name__}{f', line {line}' if line else ''})"
        trouble = Trouble(kind="protocol", text=words, where=str(path))
        return SettingsFile(path, exists=True, trouble=trouble)
    return SettingsFile(path, exists=True, values=values)
