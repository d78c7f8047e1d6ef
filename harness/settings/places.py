"""Where the checks lie (in the package where it is installed, beside it in a clone), and what the command is called."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = (PACKAGE / "checks").is_dir()
"""Whether the package came out of a wheel, which has the checks in it."""
CHECKS = (PACKAGE if INSTALLED else PACKAGE.parent) / "checks"
COMMAND = "lumi-wandb"
CHECK = f"{COMMAND} check"
"""What verifies, from any folder."""
CHECK_IN_CLONE = "pytest checks"
"""What verifies, in a clone."""
LOCAL_PARTS = "pip install 'lumi-wandb-harness[local]'" if INSTALLED else "pip install -e '.[local]'"
"""How to get what a local job needs: torch, and the embedded server."""


def usual_check() -> str:
    """What somebody types to verify who has the harness as it lies here."""
    return CHECK if INSTALLED else CHECK_IN_CLONE


def called(environ: Mapping[str, str] = os.environ, command: str = COMMAND, module: str = "harness") -> str:
    """Return a command as it can be typed here, quoted for bash: by its name, by its path, or as a module."""
    beside = Path(sys.executable).with_name(command)
    found = shutil.which(command, path=environ.get("PATH"))
    if found and beside.exists() and Path(found).samefile(beside):
        return command
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m {module}"
