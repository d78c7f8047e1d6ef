"""Where the harness stands: host, container, the variables that bear on W&B, and the folder that runs are kept in."""

from __future__ import annotations

import errno
import os
import re
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.evidence.models.base import Trouble
from harness.evidence.models.setup import Place
from harness.evidence.redaction.redactor import REDACTED, Redactor
from harness.evidence.redaction.variables import is_related
from harness.evidence.setup.job_settings import JobSettings

LOGIN_NODE = re.compile(r"^(?:lumi-)?uan\d+(?:\.|$)")
"""LUMI's login nodes are called uan01, uan02, … and lumi-uan01.csc.fi, …; compute nodes nid001234."""
_SECRET_NAME = re.compile(r"KEY|TOKEN(?!_FILE)|SECRET|PASSW|CREDENTIAL(?!S_FILE)|COOKIE|JWT|HEADERS", re.IGNORECASE)
_LONGEST_VALUE = 2000
_MOST_VARIABLES = 500
_TRIAL_BYTES = 4096
_IN_RAM = frozenset({"tmpfs", "ramfs"})


def collect_place(settings: JobSettings, redactor: Redactor) -> Place:
    """Where a job with these settings would stand; tries to write where the SDK will, and leaves nothing behind."""
    host = socket.gethostname()
    env, root = settings.env, settings.wandb_root()
    trouble = _try_to_write(root)
    standing = _nearest(root)
    return Place(
        host=host,
        cwd=str(settings.cwd),
        login_node=bool(LOGIN_NODE.match(host)),
        container=env.get("SINGULARITY_CONTAINER") or env.get("APPTAINER_CONTAINER") or None,
        variables=shown_variables(env, redactor),
        wandb_dir=str(root),
        wandb_dir_writable=trouble is None,
        wandb_dir_free_bytes=_free_bytes(standing),
        wandb_dir_in_ram=filesystem_of(standing) in _IN_RAM,
        trouble=trouble,
    )


def shown_variables(env: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """The variables that bear on W&B, Slurm, the container and the network; secret values replaced."""
    chosen = sorted(name for name in env if is_related(name))
    return {
        redactor.clean(name, 200): REDACTED
        if env[name] and _SECRET_NAME.search(name)
        else redactor.clean(env[name], _LONGEST_VALUE)
        for name in chosen[:_MOST_VARIABLES]
    }


def _try_to_write(root: Path) -> Trouble | None:
    """Write a few bytes where runs will go: into `wandb/` if it is there, else its parent, else the nearest folder."""
    folder = next((path for path in (root / ".wandb", root / "wandb") if path.is_dir()), _nearest(root))
    if not folder.is_dir():
        return Trouble(kind="missing", text="not a folder", where=str(folder))
    if root.is_dir() and not os.access(root, os.R_OK | os.W_OK):
        # The SDK asks the same of the root before it looks inside (`try_create_root_dir`, wandb_init.py).
        return Trouble(kind="permission", text="not readable and writable", where=str(root))
    try:
        with tempfile.NamedTemporaryFile(prefix=".harness-", dir=folder, buffering=0) as trial:
            trial.write(b"\0" * _TRIAL_BYTES)
    except OSError as error:
        kinds = {errno.ENOSPC: "disk", errno.EDQUOT: "disk", errno.EACCES: "permission", errno.EPERM: "permission"}
        kinds |= {errno.EROFS: "permission", errno.ENOENT: "missing"}
        kind = kinds.get(error.errno or 0, "other")
        return Trouble(kind=kind, text=error.strerror or type(error).__name__, where=str(folder))
    return None


def _nearest(path: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next((folder for folder in (path, *path.parents) if os.path.lexists(folder)), Path("/"))


def _free_bytes(path: Path) -> int | None:
    try:
        space = os.statvfs(path)
    except OSError:
        return None
    return space.f_bavail * space.f_frsize


def filesystem_of(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The type of the file system that holds the path, such as `lustre` or `tmpfs`; None where it is not known."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
        real = path.resolve()
    except OSError:
        return None
    best: tuple[int, str] | None = None
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        # Spaces and the like stand as octal escapes.
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[1]))
        deeper = best is None or len(point.parts) >= best[0]
        if deeper and (point == real or point in real.parents):
            best = len(point.parts), fields[2]
    return best[1] if best else None
