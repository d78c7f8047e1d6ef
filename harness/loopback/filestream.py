"""The file stream: the one request by which a job sends history, system metrics, summary, console, and its end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.loopback.errors import bad_request
from harness.loopback.jsontext import loads_object, strict
from harness.loopback.rows import LineLog

if TYPE_CHECKING:
    from harness.loopback.runs import StoredRun

HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"
SUMMARY = "wandb-summary.json"
CONSOLE = "output.log"


@dataclass(frozen=True)
class Chunk:
    """Lines of one file from line `offset` on."""

    file: str
    offset: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class StreamUpdate:
    """One request, read: `complete` marks the end of the job, with its exit code.

    `writer` names one of several processes that write to one run in the SDK's shared mode: each counts its lines
    for itself and leaves the steps to the server.
    """

    chunks: tuple[Chunk, ...] = ()
    complete: bool = False
    exit_code: int = 0
    preempting: bool = False
    writer: str | None = None

    @classmethod
    def parse(cls, body: Any, writer: str | None = None) -> StreamUpdate:
        """Reads the JSON of a request; the wandb-core form, and the older Python one (a list of chunks per file).

        Raises:
            ApiError: the body has another shape (400).
        """
        try:
            files = body.get("files") or {}
            chunks = tuple(
                Chunk(str(name), int(chunk["offset"]), tuple(map(str, chunk["content"])))
                for name, value in files.items()
                for chunk in (value if isinstance(value, list) else [value])
            )
            complete, preempting = bool(body.get("complete")), bool(body.get("preempting"))
            return cls(chunks, complete, int(body.get("exitcode") or 0), preempting, writer)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise bad_request(f"file stream request cannot be read: {error!r}") from error

    def as_json(self) -> dict[str, Any]:
        """The request again, in the wandb-core form; `parse` reads it back."""
        files: dict[str, list[Mapping[str, Any]]] = {}
        for chunk in self.chunks:
            files.setdefault(chunk.file, []).append({"offset": chunk.offset, "content": list(chunk.lines)})
        ends = {"complete": True, "exitcode": self.exit_code} if self.complete else {}
        return {"files": files, **ends, **({"preempting": True} if self.preempting else {})}


def apply_update(run: StoredRun, update: StreamUpdate, at: float) -> None:
    """Writes one request into the run; any request, an empty one too, is a heartbeat.

    Raises:
        ApiError: a line of history, system metrics or summary is no JSON object, or an offset is absurd (400).
    """
    try:
        for chunk in update.chunks:
            for part in _placed(run, chunk, update.writer) if update.writer else (chunk,):
                _write(run, part, merge=update.writer is not None)
    except ValueError as error:
        raise bad_request(f"{chunk.file}: {error}") from error
    run.heartbeat_at = at
    if update.complete:
        run.exit_code = update.exit_code
        stopped = "killed" if run.stop_requested else "failed"
        run.recorded_state = stopped if update.exit_code else "finished"
    else:
        # A job that sends is a job that runs, whatever was thought of it before.
        run.recorded_state = "preempting" if update.preempting else "running"


def _placed(run: StoredRun, chunk: Chunk, writer: str) -> Iterator[Chunk]:
    """The lines of one of several writers, each behind what is there or, sent again, in its old place."""
    logs: dict[str, Sized] = {HISTORY: run.rows, EVENTS: run.event_rows, CONSOLE: run.console_log}
    log = logs.get(chunk.file)
    if log is None:
        yield chunk
        return
    places = run.shared_places.setdefault((writer, chunk.file), {})
    for own_number, line in enumerate(chunk.lines, start=chunk.offset):
        place = places.setdefault(own_number, len(log))
        # The steps of several writers would collide, so the server gives them.
        stepped = json.dumps({**loads_object(line), "_step": place}) if chunk.file == HISTORY else line
        yield Chunk(chunk.file, place, (stepped,))


def _write(run: StoredRun, chunk: Chunk, *, merge: bool) -> None:
    """Writes one chunk to where it belongs; files that nobody reads back are dropped."""
    if chunk.file == SUMMARY and chunk.lines:
        before = run.sent_summary if merge else None
        run.sent_summary = {**(before or {}), **strict(loads_object(chunk.lines[-1]))}
    elif chunk.file == CONSOLE:
        run.console_log.write(chunk.offset, chunk.lines)
    elif chunk.file == HISTORY and isinstance(run.rows, LineLog):
        run.rows.write(chunk.offset, chunk.lines)
    elif chunk.file == EVENTS and isinstance(run.event_rows, LineLog):
        run.event_rows.write(chunk.offset, chunk.lines)
        for line in chunk.lines:
            run.note_system_metrics(loads_object(line))
