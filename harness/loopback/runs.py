"""One run as the server keeps it, and its state judged from exit code and heartbeat."""

from __future__ import annotations

import base64
import datetime as dt
import json
import mimetypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.loopback.blobs import Blob
from harness.loopback.console import ConsoleLog
from harness.loopback.jsontext import strict
from harness.loopback.rows import LineLog, RowLog

RUNNING = "running"
WHEN_SILENT = {RUNNING: "crashed", "preempting": "preempted"}


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as the API writes them: `2026-01-31T12:00:00Z`."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def storage_id(kind: str, *parts: str) -> str:
    """An opaque id in the form of the server's: base64 of `Run:v1:NAME:PROJECT:ENTITY` and the like."""
    return base64.b64encode(":".join((kind, "v1", *parts)).encode()).decode()


def mimetype(name: str) -> str:
    """The type of a file, guessed from its name, as object stores do."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@dataclass(frozen=True)
class StoredFile:
    """One file of a run."""

    name: str
    blob: Blob = field(repr=False)
    updated_at: float

    @property
    def content(self) -> bytes:
        """The whole content: for files that are known to be small."""
        return self.blob.read()

    @property
    def md5(self) -> str:
        """Base64 of the MD5 digest, as the API gives it."""
        return self.blob.md5_base64


@dataclass
class StoredRun:
    """A run; `name` is the id that users see in URLs, `display_name` the name that users give.

    `raw_config` maps each key to `{"value": …, "desc": …}` and includes the SDK's own `_wandb`; the times are
    seconds since the epoch. Properties that read logs (`history`, `events`, `console`) build new lists.
    """

    entity: str
    project: str
    name: str
    created_at: float
    username: str = ""
    display_name: str = ""
    fields: dict[str, str | None] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    raw_config: dict[str, Any] = field(default_factory=dict)
    sent_summary: dict[str, Any] | None = None
    recorded_state: str = RUNNING
    exit_code: int | None = None
    heartbeat_at: float = 0.0
    stop_requested: bool = False
    rows: RowLog = field(default_factory=LineLog, repr=False)
    event_rows: RowLog = field(default_factory=LineLog, repr=False)
    console_log: ConsoleLog = field(default_factory=ConsoleLog, repr=False)
    stored_files: dict[str, StoredFile] = field(default_factory=dict, repr=False)
    shared_places: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict, repr=False)
    system_metrics: dict[str, Any] = field(default_factory=dict, repr=False)
    crash_after_s: float = 300.0
    project_number: int = 0
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The storage id that mutations use."""
        return storage_id("Run", self.name, self.project, self.entity)

    @property
    def key(self) -> tuple[str, str, str]:
        """Entity, project and name."""
        return self.entity, self.project, self.name

    @property
    def path(self) -> str:
        """`ENTITY/PROJECT/RUN`."""
        return f"{self.entity}/{self.project}/{self.name}"

    @property
    def state(self) -> str:
        """The state that a reader sees: a run that claims to run but has no heartbeat is crashed."""
        silent = self.clock() - self.heartbeat_at > self.crash_after_s
        return WHEN_SILENT.get(self.recorded_state, self.recorded_state) if silent else self.recorded_state

    @property
    def config(self) -> dict[str, Any]:
        """What the user configured, without the SDK's own keys."""
        own = {key: entry for key, entry in self.raw_config.items() if key not in ("_wandb", "wandb_version")}
        return {k: e["value"] if isinstance(e, dict) and "value" in e else e for k, e in own.items()}

    @property
    def summary(self) -> dict[str, Any]:
        """The summary that the SDK sent, else the last value of each key of the history."""
        with self.lock:
            if self.sent_summary is not None:
                return dict(self.sent_summary)
            return {key: entry["previousValue"] for key, entry in self.rows.history_keys()["keys"].items()}

    @property
    def history(self) -> list[dict[str, Any]]:
        """Every row, in the order of the steps; NaN reads as the string "NaN", as from the API."""
        with self.lock:
            return [json.loads(self.rows.line(n)) for n in self.rows.between(0, 2**62)]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every sample of the system metrics."""
        with self.lock:
            return [json.loads(self.event_rows.line(n)) for n in range(len(self.event_rows))]

    @property
    def console(self) -> list[str]:
        """Console output, without timestamps."""
        with self.lock:
            return self.console_log.text()

    @property
    def files(self) -> dict[str, bytes]:
        """Content of each uploaded file by name."""
        with self.lock:
            return {name: file.content for name, file in self.stored_files.items()}

    @property
    def group(self) -> str | None:
        """The group that the user gave."""
        return self.fields.get("groupName")

    @property
    def job_type(self) -> str | None:
        """The job type that the user gave."""
        return self.fields.get("jobType")

    @property
    def notes(self) -> str | None:
        """The notes that the user gave."""
        return self.fields.get("notes")

    @property
    def host(self) -> str | None:
        """The host that the run was created on."""
        return self.fields.get("host")

    @property
    def program(self) -> str | None:
        """The script that created the run."""
        return self.fields.get("jobProgram")

    def note_system_metrics(self, row: dict[str, Any]) -> None:
        """Keeps the last value of each system metric, which the API returns as `systemMetrics`."""
        self.system_metrics.update({k: strict(v) for k, v in row.items() if not k.startswith("_")})
