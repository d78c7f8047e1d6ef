"""What is noted in the report folder about a submitted job, so that `--lumi-attach` finds its way back."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.evidence.models import Request
from harness.settings.model import EPOCHS, Settings
from harness.settings.report_folder import write_atomically

NAME = "slurm.json"


class Record(BaseModel):
    """A submitted job; holds no secret."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: str
    """Empty while sbatch runs: whether there is a job is not known yet."""
    token: str | None = None
    submitted_at: float
    """Unix seconds."""
    kind: str = "builtin"
    """`builtin`, `script` or `batch`."""
    job: str | None = None
    """The user's own script."""
    script: str = ""
    """The batch script that was submitted."""
    cwd: str = ""
    output: str = ""
    marker: str | None = None
    nodes: int = 1
    gpus: int = 8
    offline: bool = False
    container: str | None = None


def write(folder: Path, record: Record) -> None:
    """Save the record.

    Raises:
        OSError: the folder cannot be written.
    """
    write_atomically(folder / NAME, record.model_dump_json(indent=1))


def forget(folder: Path) -> None:
    """Remove the record of a job that was not submitted after all."""
    (folder / NAME).unlink(missing_ok=True)


def attached_request(settings: Settings, request: Request) -> Request:
    """Return what was asked for when the job was submitted; a job that nobody noted is taken for a batch script."""
    known = known_record(settings)
    if known is None:
        return request.model_copy(update={"job_kind": "batch", "token": None, "nproc": None, "offline": False})
    ours = known.kind == "builtin" and "--expect-points" not in settings.given
    points = EPOCHS if ours else request.expect_points
    return request.model_copy(
        update={
            "job_kind": known.kind, "job_path": known.job, "token": known.token, "nodes": known.nodes,
            "nproc": None if known.kind == "batch" else known.gpus, "offline": known.offline, "expect_points": points,
        }
    )  # fmt: skip


def known_record(settings: Settings) -> Record | None:
    """Return the record of the job to attach to, from the report folders under the current one."""
    if settings.slurm.attach is None:
        return None
    reports = (settings.report, settings.report.parent) if settings.report else ()
    return find(re.split(r"[_+.]", settings.slurm.attach)[0], (settings.cwd / ".harness", *reports))


def find(job_id: str, folders: Iterable[Path]) -> Record | None:
    """Return the newest record of a job from report folders, or from folders that hold report folders."""
    found = [r for folder in folders for r in records(folder) if r.job_id == job_id]
    return max(found, key=lambda r: r.submitted_at, default=None)


def records(folder: Path) -> Iterator[Record]:
    """Yield the records in a report folder, and in those below it."""
    for path in (folder / NAME, *folder.glob(f"*/{NAME}")):
        with contextlib.suppress(OSError, ValidationError):  # not there, or none of ours
            yield Record.model_validate_json(path.read_text(encoding="utf-8"))
