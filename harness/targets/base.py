"""What every target can do: start a job, follow it, end it, and say what happened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from typing_extensions import Self

if TYPE_CHECKING:
    from harness.evidence.models import Job, Telemetry


class Target(Protocol):
    """A place where a job runs. Leaving the context ends a job that still runs."""

    poll_s: float
    """Seconds between two looks at the job."""

    def __enter__(self) -> Self:
        """Start or submit the job; a refusal is evidence in `job()`, no exception."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""

    def running(self) -> bool:
        """Look at the job once; False when it has ended or never started."""

    def started(self) -> bool:
        """Whether the job has left the queue and runs (or ran)."""

    def new_lines(self) -> list[str]:
        """Job output since the last call, bounded."""

    def cancel(self, why: str) -> None:
        """End the job and remember why."""

    def cpu_seconds(self) -> float | None:
        """CPU time of the job's living processes, or None where it cannot be told."""

    def sdk_environment(self) -> Mapping[str, str]:
        """W&B's variables as the SDK's own process in the job has them; empty where they cannot be seen. Keys too."""

    def phase(self) -> str:
        """A few words for the live view: `pending (Priority)`, `running`."""

    def job(self) -> Job:
        """Facts about the job so far, without its output."""

    def telemetry(self) -> Telemetry:
        """What the job's nodes offer to the SDK's GPU telemetry; asked for once the job has ended."""


def marked(environment: Mapping[str, str], token: str) -> dict[str, str]:
    """Return the job's environment with the token in the run's tags, and in its group where none is set.

    Every rank inherits it, so that a rank that should not have called `wandb.init()` is found too.
    """
    tags = [t for t in environment.get("WANDB_TAGS", "").split(",") if t]
    group = environment.get("WANDB_RUN_GROUP") or token
    return {**environment, "WANDB_TAGS": ",".join([*tags, token]), "WANDB_RUN_GROUP": group}


def log_path(folder: Path) -> Path:
    """Where the job's output goes in a report folder."""
    return folder / "job.log"
