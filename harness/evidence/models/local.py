"""What the SDK left on disk: run directories, transaction logs, and its own debug logs."""

from typing import Literal

from pydantic import Field

from harness.evidence.models.base import Fact, JsonValue, Trouble
from harness.evidence.models.wandb_log import LocalLog


class LogLine(Fact):
    """A warning or an error of the SDK's own logs."""

    file: str
    text: str
    at: str | None = None


class HttpTrouble(Fact):
    """Requests of wandb-core that were answered with an error, counted."""

    status: int | None = None
    """None where no answer came (DNS, refused, timeout)."""
    path: str = ""
    """URL path, e.g. `/graphql` or `/files/…/file_stream`."""
    text: str = ""
    count: int = 1
    fatal: bool = False


class SdkLogs(Fact):
    """The folder `logs/` of a run directory, read for what explains trouble."""

    sdk_version: str | None = None
    pid: int | None = None
    """The process that called `wandb.init()`."""
    lines: tuple[LogLine, ...] = ()
    """At most 200 warnings and errors."""
    http: tuple[HttpTrouble, ...] = ()
    init_done: bool = False
    """debug.log says that wandb.init() came to its end."""
    closed: bool = False
    """debug-internal.log says that wandb-core had handled all that the run sent, and was done with it."""
    settings: dict[str, JsonValue] = {}
    """Settings that bear on diagnosis, from debug.log: mode, base_url, entity, project, resume, x_disable_stats, …"""
    troubles: tuple[Trouble, ...] = ()


class LocalRun(Fact):
    """One run directory."""

    path: str
    run_id: str
    started_at: float | None = None
    """From the folder's name, unix seconds."""
    offline: bool = False
    log: LocalLog
    writer: Literal["alive", "gone"] | None = None
    """Whether a process of this machine has the log open, where the log has no end; `gone` only if it was made here."""
    touched_at: float | None = None
    """When the SDK last wrote to the log or to its own logs, unix seconds."""
    synced_marker: bool = False
    syncstate: bool = False
    files: tuple[str, ...] = ()
    metadata: dict[str, JsonValue] = {}
    """wandb-metadata.json where there is one, secrets replaced."""
    console_lines: int = 0
    sdk_logs: SdkLogs = Field(default_factory=SdkLogs)
    troubles: tuple[Trouble, ...] = ()
    """Files of this directory that could not be read."""


class LocalReading(Fact):
    """All run directories of the job, and where they were looked for."""

    folders: tuple[str, ...] = ()
    runs: tuple[LocalRun, ...] = ()
    older_runs: int = 0
    """Run directories that were there before the job and are not part of it."""
    others: tuple[str, ...] = ()
    """Ids of runs that lie there and are another job's, task's or step's, at most 1,000."""
    undecided: tuple[str, ...] = ()
    """Run directories that could be of this job or of another one, with both."""
    status: Literal["read", "not_looked", "folder_missing", "unreadable"] = "not_looked"
    troubles: tuple[Trouble, ...] = ()
