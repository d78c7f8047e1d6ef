"""One virtual environment per wandb version, made once and shared, so that unmodified SDKs of many ages can be run."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.repository import REPOSITORY

# 0.19 imports pkg_resources, which setuptools dropped in 81; the newer ones need nothing beyond their own metadata.
EXTRA_REQUIREMENTS = {"0.19.1": ("setuptools<81",), "0.19.5": ("setuptools<81",)}


def sdk_folder() -> Path:
    """Folder that holds the environments: HARNESS_SDK_DIR, else `.sdk` in the repository."""
    return Path(os.environ.get("HARNESS_SDK_DIR") or REPOSITORY / ".sdk").expanduser().resolve()


def sdk_python(version: str) -> Path:
    """The interpreter of an environment that holds `wandb==version` and what it needs, nothing else.

    Safe to call from several processes at once: the first one installs, the others wait. The marker file is
    written last, so an environment whose installation was cut short is made again.

    Raises:
        subprocess.CalledProcessError: the environment could not be made (its output is in `stderr`).
    """
    root = sdk_folder()
    root.mkdir(parents=True, exist_ok=True)
    home = root / version
    marker, python = home / ".complete", home / "bin" / "python"
    if marker.is_file():
        return python
    with (root / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.is_file():
            shutil.rmtree(home, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(home))
            extra = EXTRA_REQUIREMENTS.get(version, ())
            _run(str(python), "-m", "pip", "install", "-q", "--no-input", f"wandb=={version}", *extra)
            _run(str(python), "-c", "import wandb")
            marker.touch()
    return python


def installed(requirement: str) -> Path:
    """A folder that holds that one package, without what it needs, to be put before others on a path."""
    home = sdk_folder() / requirement.replace("==", "-")
    home.parent.mkdir(parents=True, exist_ok=True)
    with (sdk_folder() / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".complete").is_file():
            shutil.rmtree(home, ignore_errors=True)
            _run(sys.executable, "-m", "pip", "install", "-q", "--no-input", "--no-deps", "-t", str(home), requirement)
            (home / ".complete").touch()
    return home


def _run(*command: str) -> None:
    """Runs one installation step, keeping its output for the error."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "PYTHONPATH"))}
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, env=clean)
