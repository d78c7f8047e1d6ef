"""ReFrame in an environment of its own, made once and shared, as user support would have it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.compat.sdks import sdk_folder
from tests.repository import REPOSITORY

VERSION = "4.10.4"
CHECK = REPOSITORY / "examples" / "reframe" / "wandb_check.py"


def reframe() -> Path:
    """The command; safe to call from several processes at once.

    Raises:
        subprocess.CalledProcessError: it could not be installed.
    """
    home = sdk_folder() / f"reframe-{VERSION}"
    marker, command = home / ".complete", home / "bin" / "reframe"
    if marker.is_file():
        return command
    sdk_folder().mkdir(parents=True, exist_ok=True)
    with (sdk_folder() / f"reframe-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.is_file():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, timeout=300)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "--no-input", f"ReFrame-HPC=={VERSION}"]
            subprocess.run(pip, check=True, timeout=300, capture_output=True)
            marker.touch()
    return command


def settings(path: Path, scheduler: str = "local", launcher: str = "local", **partition: Any) -> Path:
    """Write a site configuration with one partition of one scheduler."""
    here = {"name": "part", "scheduler": scheduler, "launcher": launcher, "environs": ["plain"], **partition}
    system = {"name": "here", "hostnames": [".*"], "partitions": [here]}
    path.write_text(f"site_configuration = { ({'systems': [system], 'environments': [{'name': 'plain'}]})!r}\n")
    return path


def run(
    folder: Path, config: Path, options: list[str], environ: Mapping[str, str] = os.environ, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the check; `options` are those of `pytest checks`, `variables` those of the class."""
    sets = {"options": ",".join(options), "python": sys.executable, **variables}
    command = [str(reframe()), "-C", str(config), "--prefix", str(folder), "-c", str(CHECK), "-r", "--nocolor"]
    for name, value in sets.items():
        command += ["-S", f"WandbCheck.{name}={value}"]
    return subprocess.run(
        command, cwd=folder, env=dict(environ), capture_output=True, text=True, timeout=300, check=False
    )
