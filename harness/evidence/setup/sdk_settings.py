"""Reads the SDK's settings the way the SDK does: environment first, then the workspace file, then the user's file."""

from __future__ import annotations

import configparser
import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic_core import SchemaValidator, ValidationError, core_schema

from harness.evidence.models.base import Trouble
from harness.evidence.redaction.redactor import clean

CLASSIC_BASE_URL = "https://api.wandb.ai"
FORGE_BASE_URL = "https://api.forge.coreweave.com"
FORGE_HOSTS = {"forge.coreweave.com": "api.wandb.ai", "qa.forge.coreweave.com": "api.qa.wandb.ai"}
"""SDK 0.31: wandb/sdk/lib/urls.py; the default server's address changed there, the server behind it did not."""
MODES = ("online", "offline", "shared", "disabled", "dryrun", "run")
"""wandb/sdk/wandb_settings.py, 0.19 to 0.31."""

_URL = SchemaValidator(core_schema.url_schema(allowed_schemes=["http", "https"], strict=True))
_WANDB_AI = re.compile(r".*wandb\.ai[^\.]*$")
_LONGEST_FILE = 1 << 20


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


def split_url(url: str) -> SplitResult:
    """The parts of the address; empty parts where it cannot be split."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, because a bad port raises only when it is read
    except ValueError:
        return urlsplit("")
    return parts


def version_tuple(version: str | None) -> tuple[int, ...]:
    """`0.31.0rc1` as (0, 31, 0); the newest known SDK where the version is not known."""
    numbers = re.match(r"\d+(?:\.\d+)*", version or "")
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else (0, 31, 0)


def default_base_url(sdk_version: str | None = None) -> str:
    """The server that the SDK uses when nothing names one; without a version, the address that every SDK knows."""
    known_new = sdk_version is not None and version_tuple(sdk_version) >= (0, 31)
    return FORGE_BASE_URL if known_new else CLASSIC_BASE_URL


def base_url_problem(url: str, sdk_version: str | None = None) -> str | None:
    """Why the SDK refuses the address, in its own words, or None.

    Source: `Settings.validate_base_url`, wandb/sdk/wandb_settings.py, 0.19 to 0.31.
    """
    try:
        _URL.validate_python(url)
    except ValidationError as refused:
        return clean(refused.errors(include_url=False, include_input=False)[0]["msg"], 200)
    suggestion = default_base_url(sdk_version)
    shown = clean(url, 200)
    if _WANDB_AI.match(url) and "api." not in url:
        return f"{shown} is not a valid server address, did you mean {suggestion}?"
    if _WANDB_AI.match(url) and not url.startswith("https"):
        return f"http is not secure, please use {suggestion}"
    return None


@dataclass(frozen=True)
class SettingsFile:
    """One settings file: the values of its `[default]` section, or why there are none."""

    path: Path
    exists: bool = False
    values: dict[str, str] = field(default_factory=dict, repr=False)
    trouble: Trouble | None = None


@dataclass(frozen=True)
class SdkSettings:
    """The environment and both settings files, unmerged, so that each value keeps its source."""

    env: Mapping[str, str] = field(repr=False)
    workspace: SettingsFile
    system: SettingsFile
    ignored: Trouble | None = None
    """Why the SDK reads neither file: it checks both at once and drops both for one bad value."""

    def from_files(self, key: str) -> tuple[str, SettingsFile] | None:
        """The value that the files give and the file that it comes from."""
        for file in (self.workspace, self.system):
            if self.ignored is None and key in file.values:
                return file.values[key], file
        return None

    def get(self, key: str) -> str | None:
        """The value that the SDK will use: the environment's `WANDB_<KEY>`, else a file's."""
        from_env = self.env.get(f"WANDB_{key.upper()}")
        if from_env is not None:
            return from_env
        found = self.from_files(key)
        return found[0] if found else None

    def flag(self, key: str) -> bool:
        """The value as pydantic reads a boolean."""
        return (self.get(key) or "").strip().lower() in {"1", "true", "t", "yes", "y", "on"}


def read_sdk_settings(env: Mapping[str, str], cwd: Path) -> SdkSettings:
    """Both settings files that the SDK would read in that folder.

    WANDB_DIR does not move the workspace file: the SDK reads the files before the environment (measured with 0.19.5,
    0.24.2, 0.28.2, 0.30.0, 0.31.0), although `wandb offline` writes into WANDB_DIR.
    """
    folder = cwd / ".wandb" if _exists(cwd / ".wandb") else cwd / "wandb"
    config = env.get("WANDB_CONFIG_DIR")
    system = Path(expand_user(config or "~/.config/wandb", env)) / "settings"
    if not system.is_absolute():
        system = cwd / system
    files = (_read(folder / "settings"), _read(system))
    return SdkSettings(env=env, workspace=files[0], system=files[1], ignored=_bad_value(files))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _bad_value(files: tuple[SettingsFile, SettingsFile]) -> Trouble | None:
    """The first value of the merged files that the SDK's validation refuses (`_parse_system_settings`)."""
    for key in ("mode", "base_url"):
        file = next((f for f in files if key in f.values), None)
        if file is None:
            continue
        value = file.values[key]
        problem = base_url_problem(value) if key == "base_url" else None
        if key == "mode" and value not in MODES:
            problem = f"mode is {clean(value, 60)!r}, not one of {', '.join(MODES)}"
        if problem:
            return Trouble(kind="other", text=problem, where=str(file.path))
    return None


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
