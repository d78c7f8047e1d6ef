"""Decodes a run of records into little: counts, columns of metrics, summary changes, and the rare records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from harness.evidence.disk.wandb_log import wire
from harness.evidence.disk.wandb_log.assembly import Assembler, Chunk, Problem, Records
from harness.evidence.disk.wandb_log.columns import Columns
from harness.evidence.disk.wandb_log.framing import read_segment
from harness.evidence.disk.wandb_log.rows import read_rows
from harness.evidence.disk.wandb_log.summary_records import Change, latest

if TYPE_CHECKING:
    from harness.evidence.disk.wandb_log.schema import Schema

_HISTORY_TAG, _SUMMARY_TAG = 0x12, 0x1A  # fields 2 and 3 of Record, bytes
_NUMBER_TAG = 0x08


@dataclass
class Decoded:
    """What a run of records holds; rare records are left as they are: (offset, type, payload)."""

    counts: Counter[str] = field(default_factory=Counter)
    columns: Columns = field(default_factory=Columns)
    summary: list[Change] = field(default_factory=list)
    rare: list[tuple[int, str, bytes]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass
class Segment:
    """A segment of the file, decoded but for what reaches over its ends (see `framing.Framed`)."""

    head: list[Chunk | Problem]
    rest: Assembler | None
    decoded: Decoded


def decode_segment(stream: BinaryIO, offset: int, file_size: int, schema: Schema) -> Segment | None:
    """Read and decode the segment at `offset`; None where the file has become shorter.

    Raises:
        OSError: the operating system cannot read it.
    """
    framed = read_segment(stream, offset, file_size)
    if framed is None:
        return None
    decoded = decode(framed.own.records, schema)
    decoded.problems.extend(framed.own.problems)
    framed.own.records, framed.own.problems = Records(), []
    return Segment(framed.head, None if framed.head_only else framed.own, decoded)


def decode(records: Records, schema: Schema) -> Decoded:
    """Decode records."""
    decoded = Decoded()
    history, summary = _split(records, decoded)
    decoded.columns = read_rows(history, schema)
    decoded.summary, bad_summaries = latest(summary, schema)
    decoded.counts["history"] += len(history) - len(decoded.columns.bad)
    decoded.counts["summary"] += len(summary) - len(bad_summaries)
    bad = [history[index] for index in decoded.columns.bad] + [summary[index] for index in bad_summaries]
    for offset, payload in zip(records.offsets, records.payloads, strict=True) if bad else ():
        if any(payload is broken for broken in bad):
            detail = "not a protobuf message"
            decoded.problems.append(Problem(offset, "undecodable_record", len(payload), detail))
    return decoded


def _split(records: Records, decoded: Decoded) -> tuple[list[bytes], list[bytes]]:
    """Return the history and the summary records; the others go to `decoded`."""
    history: list[bytes] = []
    summary: list[bytes] = []
    add_history, add_summary = history.append, summary.append
    elsewhere = 0
    for payload in records.payloads:
        # Nearly always a record begins with its number, a varint, and its content follows.
        try:
            tag = payload[0]
            if tag == _NUMBER_TAG:
                tag = payload[
                    2 if payload[1] < 128 else 3 if payload[2] < 128 else 4 if payload[3] < 128
                    else 5 if payload[4] < 128 else 1  # no tag: a longer number is left to the exact way
                ]  # fmt: skip
        except IndexError:
            tag = 0
        if tag == _HISTORY_TAG:
            add_history(payload)
        elif tag == _SUMMARY_TAG:
            add_summary(payload)
        else:
            offset = records.offsets[len(history) + len(summary) + elsewhere]
            number = _kind(offset, payload, decoded)
            if number == wire.HISTORY:
                add_history(payload)
            elif number == wire.SUMMARY:
                add_summary(payload)
            else:
                elsewhere += 1
    return history, summary


def _kind(offset: int, payload: bytes, decoded: Decoded) -> int:
    """Return the type of a record by the exact way; keep it in `decoded` unless it is history or summary."""
    try:
        number = wire.record_type(payload)
    except wire.WireError as error:
        decoded.problems.append(Problem(offset, "undecodable_record", len(payload), str(error)))
        return 0
    if not number:
        decoded.counts["unknown"] += 1
    elif number not in (wire.HISTORY, wire.SUMMARY):
        decoded.rare.append((offset, wire.RECORD_TYPES[number], payload))
    return number
