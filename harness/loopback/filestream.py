"""The file stream: the one request by which a job sends history, system metrics, summary, console, and its end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.loopback.errors import bad_request
from harness.loopback.jsontext import loads_object, strict
from harness.loopback.rows import LineLog, RowLog, gap_before

if TYPE_CHECKING:
    from harness.loopback.console import ConsoleLog
    from harness.loopback.runs import StoredRun

Rows: TypeAlias = "list[dict[str, Any]]"

HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"
SUMMARY = "wandb-summary.json"
CONSOLE = "output.log"
EXIT_CODES = range(-(2**31), 2**31)


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
                Chunk(str(name), int(chunk["offset"]), _lines(chunk["content"]))
                for name, value in files.items()
                for chunk in (value if isinstance(value, list) else [value])
            )
            complete, preempting = bool(body.get("complete")), bool(body.get("preempting"))
            exit_code = int(body.get("exitcode") or 0)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise bad_request(f"file stream request cannot be read: {error!r}") from error
        if exit_code not in EXIT_CODES:
            raise bad_request("file stream request cannot be read: no exit code is so large")
        return cls(chunks, complete, exit_code, preempting, writer)

    def as_json(self) -> dict[str, Any]:
        """The request again, in the wandb-core form; `parse` reads it back."""
        files: dict[str, list[Mapping[str, Any]]] = {}
        for chunk in self.chunks:
            files.setdefault(chunk.file, []).append({"offset": chunk.offset, "content": list(chunk.lines)})
        ends = {"complete": True, "exitcode": self.exit_code} if self.complete else {}
        return {"files": files, **ends, **({"preempting": True} if self.preempting else {})}


def _lines(content: Any) -> tuple[str, ...]:
    """The lines of a chunk.

    Raises:
        TypeError: it is no list of texts.
    """
    if not isinstance(content, list) or not all(isinstance(line, str) for line in content):
        raise TypeError("content is no list of lines")
    return tuple(content)


def apply_update(run: StoredRun, update: StreamUpdate, at: float) -> None:
    """Writes one request into the run; any request, an empty one too, is a heartbeat.

    Raises:
        ApiError: a line of history, system metrics or summary is no JSON object, or an offset is absurd (400);
            nothing of the request is written then.
    """
    rows = _rows(run, update)
    for chunk, read in zip(update.chunks, rows, strict=True):
        if update.writer is None:
            _write(run, chunk, read, merge=False)
            continue
        for part in _placed(run, chunk, read, update.writer):
            _write(run, *part, merge=True)
    # The mark is sent once, and holds until the run ends or is silent.
    preempting = update.preempting or run.state == "preempting"
    run.heartbeat_at = at
    if update.complete:
        run.exit_code = update.exit_code
        stopped = "killed" if run.stop_requested else "preempted" if preempting else "failed"
        run.recorded_state = stopped if update.exit_code else "finished"
    else:
        # A job that sends is a job that runs, whatever was thought of it before.
        run.recorded_state = "preempting" if preempting else "running"


def _logs(run: StoredRun) -> dict[str, RowLog | ConsoleLog]:
    return {HISTORY: run.rows, EVENTS: run.event_rows, CONSOLE: run.console_log}


def _rows(run: StoredRun, update: StreamUpdate) -> list[Rows]:
    """The rows of each chunk, after a look at all that could keep the request from being written.

    Raises:
        ApiError: it could not be written (400).
    """
    read: list[Rows] = []
    ends = {name: (len(log), log.missing) for name, log in _logs(run).items()}
    try:
        for chunk in update.chunks:
            # Of a summary only the last line counts.
            lines = {HISTORY: chunk.lines, EVENTS: chunk.lines, SUMMARY: chunk.lines[-1:]}.get(chunk.file, ())
            read.append([loads_object(line) for line in lines])
            if chunk.file in ends and update.writer is None:
                end, missing = ends[chunk.file]
                missing += gap_before(chunk.offset, end, missing)
                ends[chunk.file] = max(end, chunk.offset + len(chunk.lines)), missing
    except ValueError as error:
        raise bad_request(f"{chunk.file}: {error}") from error
    return read


def _placed(run: StoredRun, chunk: Chunk, rows: Rows, writer: str) -> Iterator[tuple[Chunk, Rows]]:
    """The lines of one of several writers, each behind what is there or, sent again, in its old place."""
    log = _logs(run).get(chunk.file)
    if log is None:
        yield chunk, rows
        return
    places = run.shared_places.setdefault((writer, chunk.file), {})
    for index, line in enumerate(chunk.lines):
        place = places.setdefault(chunk.offset + index, len(log))
        if chunk.file == HISTORY:
            # The steps of several writers would collide, so the server gives them.
            row = {**rows[index], "_step": place}
            yield Chunk(chunk.file, place, (json.dumps(row),)), [row]
        else:
            yield Chunk(chunk.file, place, (line,)), rows[index : index + 1]


def _write(run: StoredRun, chunk: Chunk, rows: Rows, *, merge: bool) -> None:
    """Writes one chunk to where it belongs; files that nobody reads back are dropped."""
    if chunk.file == SUMMARY and rows:
        before = run.sent_summary if merge else None
        run.sent_summary = {**(before or {}), **strict(rows[-1])}
    elif chunk.file == CONSOLE:
        run.console_log.write(chunk.offset, chunk.lines)
    elif chunk.file == HISTORY and isinstance(run.rows, LineLog):
        run.rows.write(chunk.offset, chunk.lines, rows)
    elif chunk.file == EVENTS and isinstance(run.event_rows, LineLog):
        run.event_rows.write(chunk.offset, chunk.lines, rows)
        for row in rows:
            run.note_system_metrics(row)
