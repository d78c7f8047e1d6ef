"""Installations and disks that a scenario may need: an SDK without its program, a folder that is full."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.compat.sdks import installed
from tests.faults.scenario import Hook, Stage

HIDE_PACKAGE = """
sys.path[:] = [p for p in sys.path if p in OWN or not os.path.isfile(os.path.join(p, "wandb", "__init__.py"))]
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
os.environ.setdefault("WANDB_DIR", os.path.abspath("disk"))
"""
"""The usual place for the job's run is a disk of SIZE bytes that only it sees (unshare(2), mount(2)), without root."""


def _sdk() -> Path:
    """Where the SDK is installed; it is imported where it is asked for, since that takes a second."""
    import wandb

    return Path(wandb.__file__).parent


def linked_sdk(stage: Stage, *, without: str) -> Path:
    """An installed SDK of links to the real one, with a folder of its own in place of what is named; that folder."""
    package = _sdk()
    copy = stage.root / "site" / "wandb"
    (copy / without).mkdir(parents=True)
    for entry in package.iterdir():
        if entry.name != without:
            (copy / entry.name).symlink_to(entry)
    stage.env["SCENARIO_SDK"] = str(copy.parent)
    return copy / without


@contextlib.contextmanager
def without_core(stage: Stage) -> Iterator[None]:
    """An SDK that lacks wandb-core."""
    linked_sdk(stage, without="bin")
    yield


@contextlib.contextmanager
def helper_not_executable(stage: Stage) -> Iterator[None]:
    """An SDK whose reader of system metrics lost its permission to run, as in a folder copied without it."""
    folder = linked_sdk(stage, without="bin")
    for program in (_sdk() / "bin").iterdir():
        shutil.copy(program, folder / program.name)
        if program.name != "wandb-core":
            (folder / program.name).chmod(0o644)
    stage.env["PYTHONPATH"] = stage.env["SCENARIO_SDK"]
    yield


def beside(requirement: str) -> Hook:
    """Another package of that version before the one that the SDK was installed with."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        folder = installed(requirement)
        stage.env["SCENARIO_SDK"] = str(folder)
        yield

    return hook
