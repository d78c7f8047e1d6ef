"""Keeps a store across restarts: a folder with one line of JSON for each change, and the uploaded files beside it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.loopback.blobs import Blob, Blobs
from harness.loopback.errors import ApiError
from harness.loopback.filestream import StreamUpdate
from harness.loopback.store import Store


class FolderJournal:
    """Writes changes to `journal.jsonl` as they happen; files are named by their digest, so names cannot escape.

    A change is one write of one line, so a process that is killed leaves at most one torn line, at the end: it is
    cut off at the next start. Files are written under another name first and then renamed.

    Raises:
        BlockingIOError: another server uses the folder.
        OSError: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.blobs = Blobs(folder / "files")
        self._path = folder / "journal.jsonl"
        self._stream = self._path.open("ab", buffering=0)
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._stream.close()
            raise BlockingIOError(error.errno, "another server uses it", str(folder)) from error

    def close(self) -> None:
        """Lets the folder go."""
        self._stream.close()

    def record(self, operation: str, at: float, fields: Mapping[str, Any]) -> None:
        """Writes one change; of a file its digest, under which its content lies."""
        entry: dict[str, Any] = {"operation": operation, "at": at, **fields}
        self._stream.write(json.dumps(entry).encode() + b"\n")

    def replay(self, store: Store) -> None:
        """Makes every recorded change again, in a store that is new and records nothing yet.

        Raises:
            ValueError: a line that is not the last cannot be read.
        """
        good = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.endswith(b"\n"):
                    self._replay_line(store, line, number)
                    good += len(line)
        os.truncate(self._stream.fileno(), good)

    def _replay_line(self, store: Store, line: bytes, number: int) -> None:
        try:
            self._apply(store, json.loads(line))
        except (ApiError, KeyError, TypeError, ValueError, OSError) as error:
            raise ValueError(f"{self._path}, line {number}: {error}") from error

    def _apply(self, store: Store, entry: Mapping[str, Any]) -> None:
        at, entity, operation = entry["at"], entry["entity"], entry["operation"]
        if operation == "project":
            store.ensure_project(entity, entry["name"], entry["username"], at=at)
            return
        if operation == "upsert":
            store.upsert(entity, entry["project"], entry["run"], entry["fields"], entry["username"], at=at)
            return
        run = store.run(entity, entry["project"], entry["run"])
        if run is None:
            raise KeyError(f"no run {entry['run']}")
        changes: dict[str, Callable[[], None]] = {
            "edit": lambda: store.edit(run, entry["fields"], at=at),
            "stream": lambda: store.stream(run, StreamUpdate.parse(entry["update"], entry["writer"]), at=at),
            "file": lambda: store.put_file(run, entry["name"], self._content(entry), at=at),
            "delete_file": lambda: store.delete_file(run, entry["name"], at=at),
            "rewind": lambda: store.rewind(run, entry["step"], at=at),
            "stop": lambda: store.stop(run, at=at),
            "delete": lambda: store.delete_run(run, at=at),
        }
        if operation not in changes:
            raise KeyError(f"unknown operation {operation}")
        changes[operation]()

    def _content(self, entry: Mapping[str, Any]) -> Blob:
        found = self.blobs.find(entry["sha256"])
        if found is None:
            raise FileNotFoundError(f"no content of {entry['name']}")
        return found
