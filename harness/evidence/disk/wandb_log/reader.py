"""Reads one `.wandb` file into a `LocalLog`, whatever state the file is in."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError

from harness.evidence.disk.wandb_log import wire
from harness.evidence.disk.wandb_log.assembly import Problem
from harness.evidence.disk.wandb_log.flat import FlatDict
from harness.evidence.disk.wandb_log.framing import HEADER, HEADER_SIZE, Stitcher, iter_records
from harness.evidence.disk.wandb_log.history import History
from harness.evidence.disk.wandb_log.messages import record_parser
from harness.evidence.disk.wandb_log.records import Facts
from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.segment import Decoded, decode
from harness.evidence.disk.wandb_log.segments import stream_segments
from harness.evidence.models.wandb_log import LocalLog, LogProblem, LogStatus

# Larger records of the rare types are counted only: parsed, hostile ones could fill the memory.
_MAX_PARSED_BYTES = 2 * 1024 * 1024
_MAX_PROBLEMS = 200


def read_wandb_log(path: Path, *, max_keys: int = 2000, helper_from: int = 64 * 1024 * 1024) -> LocalLog:
    """Read a transaction log; never raises for what the file holds or for being unreadable.

    Args:
        path: the `run-ID.wandb` file.
        max_keys: how many metrics to keep; `series_dropped` counts the others.
        helper_from: files of so many bytes are read with the help of a second process.
    """
    try:
        facts = path.stat()
    except FileNotFoundError as error:
        return LocalLog(path=str(path), status="missing", error=error.strerror or "")
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        return LocalLog(path=str(path), status="unreadable", error=str(error))
    if not stat.S_ISREG(facts.st_mode):
        return LocalLog(path=str(path), status="unreadable", error="not a regular file")
    log = _Log(path, facts.st_size, max_keys)
    try:
        with path.open("rb") as stream:
            return log.read(stream, helper_from)
    except OSError as error:
        return LocalLog(path=str(path), status="unreadable", size_bytes=facts.st_size, error=str(error))


def rows_before(path: Path, offset: int) -> int:
    """Count the history records in front of an offset, by their types alone.

    Raises:
        OSError: the file cannot be read.
    """
    rows = 0
    for at, payload in iter_records(path):
        if at >= offset:
            break
        try:
            rows += wire.record_type(payload) == wire.HISTORY
        except wire.WireError:
            break
    return rows


class _Log:
    """The state of one reading."""

    def __init__(self, path: Path, size: int, max_keys: int) -> None:
        self._path = path
        self._size = size
        self._version: int | None = None
        self._problems: list[Problem] = []
        self._problems_dropped = 0
        self._skipped = 0
        self._torn_at: int | None = None
        self._rows_before_damage: int | None = None
        self._counts: Counter[str] = Counter()
        self._history = History(max_keys)
        self._summary = FlatDict()
        self._facts = Facts()
        self._parse = record_parser()

    def read(self, stream: BinaryIO, helper_from: int) -> LocalLog:
        header = stream.read(HEADER_SIZE)
        if len(header) < HEADER_SIZE:
            return self._result(self._short(header))
        self._version = header[6]
        schema, stitcher = Schema(), Stitcher()
        good = header == HEADER
        if not good:
            what = "unsupported_version" if header[:6] == HEADER[:6] else "bad_header"
            self._add_problems([Problem(0, what, HEADER_SIZE, f"the file begins with {header.hex(' ')}")])
        segments = stream_segments(self._path, stream, self._size, schema, helper_from=helper_from)
        for segment in segments:
            joint, problems = stitcher.join(segment.head, segment.rest)
            self._add_problems(problems)
            if joint.payloads:
                self._add(decode(joint, schema))
            self._add(segment.decoded)
            if not good and not self._counts.total():
                # Neither the header nor anything in the first segment is ours: read no further.
                return self._result("not_a_wandb_file")
        self._add_problems(stitcher.end())
        status = self._status()
        if status == "damaged":
            first = min(problem.offset for problem in self._problems)
            self._rows_before_damage = rows_before(self._path, first)
        return self._result(status)

    def _short(self, header: bytes) -> LogStatus:
        """Judge a file that is shorter than the header."""
        if not header:
            return "empty"
        if HEADER.startswith(header):
            self._add_problems([Problem(0, "torn_tail", len(header), "the file ends inside its header", torn=True)])
            return "torn"
        self._add_problems([Problem(0, "bad_header", len(header), f"the file is {header.hex(' ')}")])
        return "not_a_wandb_file"

    def _status(self) -> LogStatus:
        if self._size == HEADER_SIZE:
            return "header_only"
        torn = self._torn_at is not None
        if len(self._problems) + self._problems_dropped > torn:
            return "damaged"
        if torn:
            return "torn"
        return "complete" if self._facts.has_exit else "no_exit_record"

    def _add_problems(self, problems: list[Problem]) -> None:
        for problem in problems:
            self._skipped += problem.skipped
            if problem.torn:
                self._torn_at = problem.offset
            if len(self._problems) < _MAX_PROBLEMS:
                self._problems.append(problem)
            else:
                self._problems_dropped += 1

    def _add(self, decoded: Decoded) -> None:
        self._history.add(decoded.columns)
        for change in decoded.summary:
            if change.value is None:
                self._summary.remove(change.path)
            else:
                self._summary.update(change.path, change.value)
        self._counts.update(decoded.counts)
        problems = decoded.problems
        for offset, kind, payload in decoded.rare:
            problem = self._add_rare(offset, kind, payload)
            if problem is None:
                self._counts[kind] += 1
            else:
                problems.append(problem)
        self._add_problems(sorted(problems))

    def _add_rare(self, offset: int, kind: str, payload: bytes) -> Problem | None:
        if len(payload) > _MAX_PARSED_BYTES:
            detail = f"a {kind} record larger than {_MAX_PARSED_BYTES} bytes"
            return Problem(offset, "record_too_large", len(payload), detail)
        try:
            self._facts.add(kind, self._parse(payload))
        except DecodeError:
            return Problem(offset, "undecodable_record", len(payload), f"a broken {kind} record")
        return None

    def _result(self, status: LogStatus) -> LocalLog:
        facts, history = self._facts, self._history
        return LocalLog(
            path=str(self._path),
            status=status,
            size_bytes=self._size,
            version=self._version,
            problems=tuple(
                LogProblem(offset=found.offset, what=found.what, skipped_bytes=found.skipped, detail=found.detail)
                for found in self._problems
            ),
            problems_dropped=self._problems_dropped,
            skipped_bytes=self._skipped,
            torn_at=self._torn_at,
            records={kind: count for kind, count in sorted(self._counts.items()) if count},
            run=facts.run,
            sdk_version=facts.sdk_version,
            python_version=facts.python_version,
            platform=facts.platform,
            settings=facts.settings,
            environment=facts.environment,
            writer_labels=tuple(sorted(facts.system.labels)),
            config=facts.config.entries,
            config_dropped=facts.config.dropped,
            summary=self._summary.entries,
            summary_dropped=self._summary.dropped,
            history_rows=history.rows,
            rows_before_damage=self._rows_before_damage,
            first_step=history.order.first,
            last_step=history.order.last,
            repeated_steps=history.order.repeated,
            backward_steps=history.order.backward,
            history_first_time=history.first_time,
            history_last_time=history.last_time,
            row_times=tuple(history.times),
            longest_pause_s=history.longest_pause,
            series=history.summaries(),
            series_dropped=history.dropped_keys,
            system=facts.system.summaries(),
            system_dropped=facts.system.dropped,
            system_samples=facts.system.samples,
            system_first_time=facts.system.first_time,
            system_last_time=facts.system.last_time,
            console_lines=facts.console.lines,
            files=tuple(facts.files),
            files_dropped=facts.files_dropped,
            has_exit=facts.has_exit,
            exit_code=facts.exit_code,
            runtime_s=facts.runtime_s,
            preempting=facts.preempting,
        )
