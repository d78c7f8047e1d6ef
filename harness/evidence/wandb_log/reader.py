"""Reads one `.wandb` file into a `LocalLog`, whatever state the file is in."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from harness.evidence.wandb_log import wire
from harness.evidence.wandb_log.flat import FlatDict
from harness.evidence.wandb_log.framing import HEADER, HEADER_SIZE, Batch, Problems, RecordReader
from harness.evidence.wandb_log.history import History
from harness.evidence.wandb_log.models import LocalLog, LogStatus
from harness.evidence.wandb_log.records import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

# Larger records of the rare types are counted only: parsed, hostile ones could fill the memory.
_MAX_PARSED_BYTES = 4 * 1024 * 1024


def read_wandb_log(path: Path, *, max_keys: int = 2000) -> LocalLog:
    """Read a transaction log; never raises for what the file holds or for being unreadable.

    Args:
        path: the `run-ID.wandb` file.
        max_keys: how many metrics to keep; `series_dropped` counts the others.

    Raises:
        ImportError: the `wandb` package is not installed.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return LocalLog(path=str(path), status="unreadable", error="not a regular file")
        with path.open("rb") as stream:
            log = _Log(path, facts.st_size, facts.st_mtime, max_keys)
            return log.read(stream)
    except FileNotFoundError as error:
        return LocalLog(path=str(path), status="missing", error=error.strerror or "")
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        return LocalLog(path=str(path), status="unreadable", error=str(error))


def _record_class() -> Callable[[bytes], Any]:
    """Return the parser of the SDK's `Record`; imported late, since it takes half a second."""
    from wandb.proto import wandb_internal_pb2

    parse: Callable[[bytes], Any] = wandb_internal_pb2.Record.FromString
    return parse


class _Log:
    """The state of one reading."""

    def __init__(self, path: Path, size: int, modified: float, max_keys: int) -> None:
        self._path = path
        self._size = size
        self._modified = modified
        self._problems = Problems()
        self._version: int | None = None
        self._counts: Counter[str] = Counter()
        self._history = History(max_keys)
        self._summary = FlatDict()
        self._facts = Facts()
        self._parse = _record_class()

    def read(self, stream: BinaryIO) -> LocalLog:
        header = stream.read(HEADER_SIZE)
        if len(header) < HEADER_SIZE:
            whole = HEADER.startswith(header)
            return self._result("empty" if not header else "torn" if whole else "not_a_wandb_file")
        self._version = header[6]
        good = header == HEADER
        if not good:
            what = "unsupported_version" if header[:6] == HEADER[:6] else "bad_header"
            self._problems.add(0, what, HEADER_SIZE, f"the file begins with {header.hex(' ')}")
        for batch in RecordReader(stream, self._size, self._problems).batches():
            if not good and not self._counts and not batch.payloads:
                # Neither the header nor anything in the first megabyte is ours: read no further.
                return self._result("not_a_wandb_file")
            self._add(batch)
        return self._result(self._status(good))

    def _status(self, good: bool) -> LogStatus:
        if not self._counts and not good:
            return "not_a_wandb_file"
        if self._size == HEADER_SIZE:
            return "header_only"
        torn = self._problems.torn_at is not None
        if len(self._problems.found) + self._problems.dropped > torn:
            return "damaged"
        if torn:
            return "torn"
        return "complete" if self._facts.has_exit else "no_exit_record"

    def _add(self, batch: Batch) -> None:
        for offset, payload in zip(batch.offsets, batch.payloads, strict=True):
            self._add_one(offset, payload)

    def _add_one(self, offset: int, payload: bytes) -> None:
        try:
            self._add_record(payload)
        except wire.WireError as error:
            self._problems.add(offset, "undecodable_record", len(payload), str(error))

    def _add_record(self, payload: bytes) -> None:
        number = wire.record_type(payload)
        kind = wire.RECORD_TYPES.get(number, "unknown")
        if number == wire.HISTORY:
            self._history.add_record(payload)
        elif number == wire.SUMMARY:
            self._add_summary(payload)
        elif number and len(payload) <= _MAX_PARSED_BYTES:
            self._add_rare(kind, payload)
        self._counts[kind] += 1

    def _add_summary(self, payload: bytes) -> None:
        for item in wire.items(payload, wire.SUMMARY, 1):
            self._summary.update(item.path, item.value)
        for item in wire.items(payload, wire.SUMMARY, 2):
            self._summary.remove(item.path)

    def _add_rare(self, kind: str, payload: bytes) -> None:
        from google.protobuf.message import DecodeError  # late, as the SDK's classes

        try:
            record = self._parse(payload)
        except DecodeError as error:
            raise wire.WireError(str(error)) from None
        self._facts.add(kind, record)

    def _result(self, status: LogStatus) -> LocalLog:
        facts, history, problems = self._facts, self._history, self._problems
        console_lines, console_tail = facts.console.result()
        return LocalLog(
            path=str(self._path),
            status=status,
            size_bytes=self._size,
            modified_time=self._modified,
            version=self._version,
            problems=tuple(problems.found),
            problems_dropped=problems.dropped,
            skipped_bytes=problems.skipped_bytes,
            torn_at=problems.torn_at,
            records=dict(sorted(self._counts.items())),
            run=facts.run,
            sdk_version=facts.sdk_version,
            python_version=facts.python_version,
            platform=facts.platform,
            features=tuple(sorted(facts.features)),
            imports=tuple(sorted(facts.imports)),
            settings=facts.settings,
            environment=facts.environment,
            writer_labels=tuple(sorted(facts.system.labels)),
            config=facts.config.entries,
            config_dropped=facts.config.dropped,
            summary=self._summary.entries,
            summary_dropped=self._summary.dropped,
            defined_metrics=tuple(facts.metrics.values()),
            history_rows=history.rows,
            first_step=history.order.first,
            last_step=history.order.last,
            repeated_steps=history.order.repeated,
            backward_steps=history.order.backward,
            history_first_time=history.first_time,
            history_last_time=history.last_time,
            series=history.summaries(),
            series_dropped=history.dropped_keys,
            system=facts.system.summaries(),
            system_dropped=facts.system.dropped,
            system_samples=facts.system.samples,
            system_first_time=facts.system.first_time,
            system_last_time=facts.system.last_time,
            console_lines=console_lines,
            console_tail=console_tail,
            files=tuple(facts.files),
            files_dropped=facts.files_dropped,
            artifacts=tuple(facts.artifacts),
            alerts=tuple(facts.alerts),
            has_exit=facts.has_exit,
            exit_code=facts.exit_code,
            runtime_s=facts.runtime_s,
            has_final=facts.has_final,
            has_footer=facts.has_footer,
            preempting=facts.preempting,
        )
