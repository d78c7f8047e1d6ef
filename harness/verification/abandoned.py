"""Marks a report folder while a verification works in it, and tells of those that were killed before their end."""

import contextlib
import os
import platform
import shlex
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.settings.model import SettingsError
from harness.settings.report_folder import write_atomically
from harness.targets.base import log_path

NAME = "running.json"
MOST = 3
"""So many killed verifications are told of; the rest is counted."""


class Mark(BaseModel):
    """A verification that is under way, as its report folder tells it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    start: str | None
    """Tells the process from a later one of the same number; None where there is no /proc."""
    host: str
    begun_at: float
    """Unix seconds."""
    temporary: str
    """Where it puts temporary files."""


def put(folder: Path) -> None:
    """Mark the folder as this process's.

    Raises:
        SettingsError: another verification is at work there, or the folder cannot be written.
    """
    other = _read(folder)
    if other and other.host == platform.node() and _lives(other):
        raise SettingsError(
            f"--report: another verification (process {other.pid}) is at work in {folder}; name another folder."
        )
    mark = Mark(
        pid=os.getpid(), start=_start_of(os.getpid()), host=platform.node(), begun_at=time.time(),
        temporary=tempfile.gettempdir(),
    )  # fmt: skip
    try:
        write_atomically(folder / NAME, mark.model_dump_json())
    except OSError as error:
        raise SettingsError(f"--report: {folder} cannot be written ({error.strerror}); name another folder.") from None


def take_away(folder: Path) -> None:
    """Remove this process's own mark."""
    mark = _read(folder)
    if mark and mark.pid == os.getpid():
        with contextlib.suppress(OSError):  # the folder has become read-only: the next start says so
            (folder / NAME).unlink()


def found(folder: Path, cwd: Path) -> list[str]:
    """Tell, before `put`, of verifications that were killed: in this folder, and beside it under `.harness/`."""
    dead = [(f, mark) for f, mark in _marks([folder, *sorted((cwd / ".harness").glob("*/"), reverse=True)])]
    lines = [line for f, mark in dead[:MOST] for line in _told(f, mark, remove=f != folder)]
    return [*lines, f"and {len(dead) - MOST} more under {cwd / '.harness'}"] if len(dead) > MOST else lines


def _marks(folders: Sequence[Path]) -> Iterator[tuple[Path, Mark]]:
    for folder in dict.fromkeys(folders):
        mark = _read(folder)
        if mark and not (mark.host == platform.node() and _lives(mark)):
            yield folder, mark


def _told(folder: Path, mark: Mark, *, remove: bool) -> list[str]:
    from harness.evidence.server.reader import temporary_prefix
    from harness.targets.process import survivors, token_of

    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(mark.begun_at))
    if mark.host != platform.node():
        return [
            f"an earlier verification, begun {when} on {mark.host} (process {mark.pid}), has not ended in {folder}.",
            *_slurm_job(folder, mark),
            f"  if it no longer runs there, remove its mark: rm {shlex.quote(str(folder / NAME))}",
        ]
    lines = [f"an earlier verification, begun {when} (process {mark.pid}), was killed before its end: {folder}"]
    if left := survivors(token_of(log_path(folder))):
        lines.append(f"  its job still runs; to end it: kill -KILL {' '.join(map(str, left))}")
    job = _slurm_job(folder, mark)
    lines += job
    rest = [folder] if remove else []
    rest += sorted(Path(mark.temporary).glob(f"{temporary_prefix(mark.pid)}*"))
    if rest:
        then = "once that has ended, to" if job else "to"  # the job writes there
        lines.append(f"  {then} remove what it left: rm -r {shlex.join(map(str, rest))}")
    elif not lines[1:]:
        lines.append("  nothing of it still runs; its files will be replaced")
    return lines


def _slurm_job(folder: Path, mark: Mark) -> list[str]:
    """Tell of the job that the verification submitted, if there was one and Slurm still has it."""
    from harness.targets.slurm.abandoned_job import job_left

    told = job_left(folder, mark.begun_at)
    return [f"  {told}"] if told else []


def _read(folder: Path) -> Mark | None:
    try:
        return Mark.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError):  # not there, or none of ours
        return None


def _lives(mark: Mark) -> bool:
    try:
        os.kill(mark.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's by now, or a colleague's verification
        pass
    return mark.start == _start_of(mark.pid)


def _start_of(pid: int) -> str | None:
    """Boot and moment of a process's start: field 22 of /proc/PID/stat (proc(5))."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        ticks = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return None
    return f"{boot}/{ticks}"
