"""Tells whether the process that writes a run's log is still there, and when it last wrote."""

import contextlib
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from harness.evidence.setup.surroundings import filesystem_of

_PROCESSES = Path("/proc")
_OWN_FILESYSTEMS = frozenset({"btrfs", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs"})
"""Kinds of file systems that one machine alone writes to."""
_STARTS_S = 60.0


def writer_of(
    log: Path, host: str | None, begun: float | None = None, processes: Path = _PROCESSES
) -> Literal["alive", "gone"] | None:
    """Say whether a process of this machine has the log open; None where that cannot be known from here.

    Args:
        log: the run's `.wandb` file.
        host: the machine that the run says it was made on; a log of a few bytes does not say so yet.
        begun: when the run began by the name of its folder, in unix seconds.
        processes: where the kernel lists its processes.
    """
    try:
        wanted = str(log.resolve(strict=True))
    except OSError:
        return None
    if not processes.is_dir():
        return None
    if wanted in _open_files(processes):
        return "alive"
    return "gone" if (_made_here(log, begun) if host is None else host == socket.gethostname()) else None


def _made_here(log: Path, begun: float | None) -> bool:
    """Whether a log that nobody has written to since the run began is no copy: a copy's inode is younger."""
    try:
        status = log.stat()
    except OSError:
        return False
    young = begun is not None and abs(status.st_ctime - begun) < _STARTS_S
    return young and status.st_uid == os.geteuid() and filesystem_of(log) in _OWN_FILESYSTEMS


def _open_files(processes: Path) -> Iterator[str]:
    for process in _entries(processes):
        if process.name.isdigit():
            for held in _entries(process / "fd"):
                with contextlib.suppress(OSError):  # closed in the meantime
                    yield str(held.readlink())


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # another user's process, or one that has ended
        return []


def touched_at(files: Iterable[Path]) -> float | None:
    """Return when the newest of these files was written, in unix seconds; None where there is none."""
    times = []
    for path in files:
        with contextlib.suppress(OSError):  # older SDKs have fewer logs
            times.append(path.stat().st_mtime)
    return max(times, default=None)
