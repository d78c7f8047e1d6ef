"""Tells whether the process that writes a run's log is still there, and when it last wrote."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

_PROCESSES = Path("/proc")


def writer_of(log: Path, host: str | None, processes: Path = _PROCESSES) -> Literal["alive", "gone"] | None:
    """Say whether a process of this machine has the log open; None where that cannot be known from here.

    Args:
        log: the run's `.wandb` file.
        host: the machine that the run says it was made on.
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
    return "gone" if host == socket.gethostname() else None


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
