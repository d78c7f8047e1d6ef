"""Everything that the server holds: projects and runs, indexed by entity, project and name, changed under one lock."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.loopback.blobs import Blob, Blobs
from harness.loopback.errors import ApiError, bad_request, run_not_found, run_was_deleted
from harness.loopback.filestream import HISTORY, StreamUpdate, apply_update
from harness.loopback.jsontext import loads_object, strict
from harness.loopback.rows import LARGEST_STEP, GeneratedLog, LineLog, RowLog
from harness.loopback.run_names import generated
from harness.loopback.runs import StoredFile, StoredRun, storage_id

TEXT_FIELDS = ("groupName", "jobType", "notes", "description", "commit", "host", "jobProgram", "jobRepo", "sweep")
STATES = ("running", "pending", "finished", "failed", "crashed", "killed", "preempting", "preempted")


class Journal(Protocol):
    """Where each change is written down, in the order in which it happened."""

    def record(self, operation: str, at: float, fields: Mapping[str, Any]) -> None:
        """Writes one change."""


@dataclass
class StoredProject:
    """One project; `version` grows with every change to any of its runs."""

    entity: str
    name: str
    number: int
    created_at: float
    username: str = ""
    runs: dict[str, StoredRun] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    version: int = 0

    @property
    def id(self) -> str:
        """The opaque id of the project."""
        return storage_id("Project", self.name, self.entity)

    @property
    def internal_id(self) -> str:
        """The opaque form of the number, as `internalId` gives it."""
        return storage_id("ProjectInternalId", str(self.number))


class Store:
    """Projects and runs of every entity; each method is safe to call from any thread."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        crash_after_s: float = 300.0,
        journal: Journal | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.crash_after_s = crash_after_s
        self.journal = journal
        self.blobs = blobs or Blobs()
        self._projects: dict[tuple[str, str], StoredProject] = {}
        self._by_id: dict[str, StoredRun] = {}

    # --- reading ---

    def projects(self) -> list[StoredProject]:
        """Every project, oldest first."""
        with self.lock:
            return list(self._projects.values())

    def project(self, entity: str, name: str) -> StoredProject | None:
        """One project, or None."""
        with self.lock:
            return self._projects.get((entity, name))

    def runs(self, entity: str | None = None, project: str | None = None) -> list[StoredRun]:
        """Every run, oldest first within its project; of one entity or project if named."""
        with self.lock:
            return [
                run
                for found in self._projects.values()
                if entity in (None, found.entity) and project in (None, found.name)
                for run in found.runs.values()
            ]

    def run(self, entity: str, project: str, name: str) -> StoredRun | None:
        """One run by its id in the URL, or None."""
        with self.lock:
            found = self._projects.get((entity, project))
            return found.runs.get(name) if found else None

    def run_by_id(self, identifier: str) -> StoredRun | None:
        """One run by its storage id, or None."""
        with self.lock:
            return self._by_id.get(identifier)

    def was_deleted(self, identifier: str) -> bool:
        """Whether the storage id belonged to a run that was deleted."""
        with self.lock:
            homes = self._projects.values()
            return any(
                storage_id("Run", name, home.name, home.entity) == identifier for home in homes for name in home.deleted
            )

    # --- changing ---

    def ensure_project(self, entity: str, name: str, username: str = "", *, at: float | None = None) -> StoredProject:
        """The project, made now if it is new."""
        with self.lock:
            found = self._projects.get((entity, name))
            if found is None:
                at = self.clock() if at is None else at
                found = StoredProject(entity, name, len(self._projects) + 1, at, username)
                self._projects[(entity, name)] = found
                self._write("project", at, {"entity": entity, "name": name, "username": username})
            return found

    def upsert(
        self,
        entity: str,
        project: str,
        name: str,
        fields: Mapping[str, Any],
        username: str = "",
        *,
        at: float | None = None,
    ) -> tuple[StoredRun, bool]:
        """Makes or changes a run; `fields` are those of `UpsertBucketInput` that were given. Second value: is it new?

        Raises:
            ApiError: the id belonged to a run that was deleted (409), config or summary is no JSON object, or
                the state is none (400).
        """
        with self.lock:
            at = self.clock() if at is None else at
            changes = _parsed(fields)
            home = self.ensure_project(entity, project, username, at=at)
            if name in home.deleted:
                raise run_was_deleted(f"{entity}/{project}/{name}")
            run = home.runs.get(name)
            inserted = run is None
            if run is None:
                inherited = self._inherited(home, name, changes)
                run = self._new_run(home, name, at, username)
                run.rows = inherited or run.rows
                run.display_name = self._name_for(home, name, changes.get("sweep"))
            self._change(run, changes)
            # Upserting is what a starting or resuming job does first; one that lives does it too, and keeps its mark.
            alive = "preempting" if run.state == "preempting" else "running"
            run.heartbeat_at = at
            if inserted or run.recorded_state != "pending":
                run.recorded_state = str(changes.get("state") or alive)
                run.exit_code = None
            home.version += 1
            where = {"entity": entity, "project": project, "run": name, "username": username}
            self._write("upsert", at, {**where, "fields": dict(fields)})
            return run, inserted

    @staticmethod
    def _name_for(home: StoredProject, run_id: str, sweep: str | None) -> str:
        """What a new run is called until the user names it; the number counts the runs of its sweep or project."""
        if sweep:
            beside = sum(run.fields.get("sweep") == sweep for run in home.runs.values())
            return generated(run_id, beside + 1, in_sweep=True)
        return generated(run_id, len(home.runs) + len(home.deleted))

    @staticmethod
    def _inherited(home: StoredProject, name: str, changes: Mapping[str, Any]) -> LineLog | None:
        """What a forked run has of its parent: the history up to the step that its config names as branch point.

        Raises:
            ApiError: there is no such parent (404), or the step is none (400).
        """
        own = changes.get("config", {}).get("_wandb")
        values = own.get("value") if isinstance(own, Mapping) else None
        point = values.get("branch_point") if isinstance(values, Mapping) else None
        if not isinstance(point, Mapping) or point.get("run_id") in (None, name):
            return None
        parent, step = home.runs.get(str(point["run_id"])), point.get("step")
        if parent is None:
            raise run_not_found(f"{home.entity}/{home.name}/{point['run_id']}")
        if not isinstance(step, (int, float)) or not abs(step) <= LARGEST_STEP or not isinstance(parent.rows, LineLog):
            raise bad_request(f"cannot fork {parent.path} at step {step!r}")
        return parent.rows.up_to(int(step))

    def rewind(self, run: StoredRun, step: int, *, at: float | None = None) -> None:
        """Takes a run back to a step: the rows after it, and the summary, are gone.

        Raises:
            ApiError: the history of the run was generated (400).
        """
        with self.lock:
            if not isinstance(run.rows, LineLog):
                raise bad_request(f"cannot rewind {run.path}")
            run.rows, run.sent_summary = run.rows.up_to(step), None
            # The places of rows that are gone would lie behind the end.
            run.shared_places = {key: places for key, places in run.shared_places.items() if key[1] != HISTORY}
            self._touched(run, "rewind", at, {"step": step})

    def edit(self, run: StoredRun, fields: Mapping[str, Any], *, at: float | None = None) -> None:
        """Changes what a reader may edit (name, tags, notes, config, summary, state) and leaves the heartbeat alone.

        Raises:
            ApiError: config or summary is no JSON object, or the state is none (400).
        """
        with self.lock:
            changes = _parsed(fields)
            self._change(run, changes)
            if changes.get("state"):
                run.recorded_state = str(changes["state"])
            self._touched(run, "edit", at, {"fields": dict(fields)})

    def stream(self, run: StoredRun, update: StreamUpdate, *, at: float | None = None) -> None:
        """Takes in one request of the file stream.

        Raises:
            ApiError: a line cannot be read (400).
        """
        with self.lock:
            at = self.clock() if at is None else at
            apply_update(run, update, at)
            self._touched(run, "stream", at, {"update": update.as_json(), "writer": update.writer})

    def put_file(self, run: StoredRun, name: str, content: Blob, *, at: float | None = None) -> None:
        """Stores an uploaded file."""
        with self.lock:
            at = self.clock() if at is None else at
            run.stored_files[name] = StoredFile(name, content, at)
            self._touched(run, "file", at, {"name": name, "sha256": content.sha256})

    def delete_file(self, run: StoredRun, name: str, *, at: float | None = None) -> None:
        """Removes a file, if it is there."""
        with self.lock:
            run.stored_files.pop(name, None)
            self._touched(run, "delete_file", at, {"name": name})

    def stop(self, run: StoredRun, *, at: float | None = None) -> None:
        """Asks the run to stop; the job learns it with its next request."""
        with self.lock:
            run.stop_requested = True
            self._touched(run, "stop", at, {})

    def delete_run(self, run: StoredRun, *, at: float | None = None) -> None:
        """Deletes a run; its id can never be used again."""
        with self.lock:
            home = self._projects[(run.entity, run.project)]
            home.runs.pop(run.name, None)
            home.deleted.add(run.name)
            self._by_id.pop(run.id, None)
            self._touched(run, "delete", at, {})

    def seed_run(
        self,
        entity: str,
        project: str,
        name: str,
        *,
        display_name: str | None = None,
        state: str = "finished",
        config: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
        history: GeneratedLog | Iterable[Mapping[str, Any]] = (),
        events: GeneratedLog | Iterable[Mapping[str, Any]] = (),
        console: Iterable[str] = (),
        files: Mapping[str, bytes] | None = None,
        tags: Iterable[str] = (),
        fields: Mapping[str, str | None] | None = None,
        username: str = "",
        created_at: float | None = None,
        heartbeat_at: float | None = None,
        exit_code: int | None = None,
    ) -> StoredRun:
        """Puts a ready-made run into the store, for tests and benches; it is not written to the journal.

        `history` is rows, or a `GeneratedLog` for a history of any length that takes no memory.
        """
        with self.lock:
            at = self.clock() if created_at is None else created_at
            home = self.ensure_project(entity, project, username, at=at)
            run = self._new_run(home, name, at, username)
            run.display_name = display_name or name
            run.tags, run.fields = list(tags), dict(fields or {})
            run.raw_config = {key: {"value": value, "desc": None} for key, value in (config or {}).items()}
            run.sent_summary = None if summary is None else strict(dict(summary))
            run.rows, run.event_rows = _log(history), _log(events)
            for row in run.events[-1:]:
                run.note_system_metrics(row)
            run.console_log.write(0, [f"{at} {line}" for line in console])
            run.stored_files = {n: StoredFile(n, self.blobs.of(content), at) for n, content in (files or {}).items()}
            run.heartbeat_at = at if heartbeat_at is None else heartbeat_at
            run.recorded_state, run.exit_code = state, exit_code
            home.version += 1
            return run

    # --- inside ---

    def _new_run(self, home: StoredProject, name: str, at: float, username: str) -> StoredRun:
        run = StoredRun(home.entity, home.name, name, at, username, display_name=name, heartbeat_at=at, lock=self.lock)
        run.crash_after_s, run.clock, run.project_number = self.crash_after_s, self.clock, home.number
        home.runs[name] = run
        self._by_id[run.id] = run
        return run

    @staticmethod
    def _change(run: StoredRun, changes: Mapping[str, Any]) -> None:
        run.display_name = changes.get("displayName") or run.display_name
        run.tags = list(changes.get("tags", run.tags))
        run.raw_config = changes.get("config", run.raw_config)
        run.sent_summary = changes.get("summaryMetrics", run.sent_summary)
        run.fields.update({key: changes[key] for key in TEXT_FIELDS if key in changes})

    def _touched(self, run: StoredRun, operation: str, at: float | None, fields: Mapping[str, Any]) -> None:
        self._projects[(run.entity, run.project)].version += 1
        where = {"entity": run.entity, "project": run.project, "run": run.name}
        self._write(operation, self.clock() if at is None else at, {**where, **fields})

    def _write(self, operation: str, at: float, fields: Mapping[str, Any]) -> None:
        if self.journal is not None:
            self.journal.record(operation, at, fields)


def _parsed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields with their JSON read; a null means that nothing is said about the field."""
    changes = {key: value for key, value in fields.items() if value is not None}
    try:
        for key in ("config", "summaryMetrics"):
            if key in changes:
                changes[key] = strict(loads_object(changes[key]))
    except ValueError as error:
        raise bad_request(f"{key}: {error}") from error
    if changes.get("state", "running") not in STATES:
        raise ApiError(f"unknown run state {changes['state']!r}", 400)
    return changes


def _log(rows: GeneratedLog | Iterable[Mapping[str, Any]]) -> RowLog:
    """Rows as a log."""
    if isinstance(rows, GeneratedLog):
        return rows
    log = LineLog()
    log.write(0, [json.dumps(row) for row in rows])
    return log
