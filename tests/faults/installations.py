"""Installations and disks that a scenario may need: an SDK without its program, a folder that is full."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import wandb

from tests.faults.scenario import Stage

HIDE_PACKAGE = """
sys.path[:] = [p for p in sys.path if not os.path.isfile(os.path.join(p, "wandb", "__init__.py"))]
"""
"""The job's Python no longer finds the package, as in an image without it."""

TINY_DISK = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_USERS, PRIVATE = 0x20000, 0x10000000, 1 << 18 | 1 << 14
if libc.unshare(NEW_MOUNTS) and libc.unshare(NEW_MOUNTS | NEW_USERS):
    sys.exit("this machine lets nobody mount a disk")
libc.mount(b"none", b"/", None, PRIVATE, None)
os.makedirs("disk", exist_ok=True)
assert libc.mount(b"none", b"disk", b"tmpfs", 0, b"size=SIZE") == 0, os.strerror(ctypes.get_errno())
os.environ["WANDB_DIR"] = os.path.abspath("disk")
"""
"""The job keeps its run on a disk of SIZE bytes that only it sees (unshare(2), mount(2)); no root needed."""


@contextlib.contextmanager
def without_core(stage: Stage) -> Iterator[None]:
    """An installed SDK that lacks wandb-core, made of links to the real one."""
    package = Path(wandb.__file__).parent
    copy = stage.root / "site" / "wandb"
    (copy / "bin").mkdir(parents=True)
    for entry in package.iterdir():
        if entry.name != "bin":
            (copy / entry.name).symlink_to(entry)
    stage.env["SCENARIO_SDK"] = str(copy.parent)
    yield
