"""Rules for the family mode and sync, second part: offline runs on disk, and uploads by `wandb sync`."""

import re
from collections.abc import Iterator
from itertools import pairwise

from harness.evidence.models import Evidence, LocalRun
from harness.judging.catalogue import version_key
from harness.judging.rule import Hit, Rule
from harness.judging.run_end import cut_off_afterwards, life
from harness.judging.view import TEMPORARY_FOLDER, find_lines, python_errors, said, server_runs

TORN_SAID = (
    r"the file ends with an incomplete record|getting next record: (unexpected EOF|leveldb)|\.wandb file is incomplete"
    r"|record checksum is invalid|assert checksum == checksum_computed|invalid W&B identifier|Exception: Invalid header"
)
EMPTY_SAID = r"\.wandb file is empty|(getting next record|bad header): EOF$|didn't find run info"
NOTHING_WRITTEN = ("header_only", "empty")
CUT_OFF = ("torn", "damaged")
RESTART_GAP_S = 5.0
"""Ranks of one start make their folders within a second or two; a requeue takes longer."""


def sync_said(evidence: Evidence, pattern: str) -> tuple[str, ...]:
    """Lines that `wandb sync` printed, by itself or in the job's output."""
    own = tuple(line for line in evidence.sync_output if re.search(pattern, line))
    return (*own, *said(evidence, pattern))[:3]


def looked_at(evidence: Evidence) -> tuple[LocalRun, ...]:
    """Offline runs whose upload matters: over, in a folder that is judged, or meant to be uploaded."""
    asked = evidence.request.source == "run_dir" or evidence.request.sync
    return tuple(run for run in evidence.local.runs if run.offline and _final(run, evidence)) if asked else ()


def _final(run: LocalRun, evidence: Evidence) -> bool:
    """Whether what is on disk stays as it is: the run is over, or its log is damaged, which no live process mends."""
    now = life(run, evidence)
    return now == "over" or (now == "unknown" and run.log.status == "damaged")


def never_synced(evidence: Evidence) -> Iterator[Hit]:
    """A folder on disk holds an offline run without the marker of an upload."""
    if evidence.request.source != "run_dir":
        return
    waiting = [r for r in looked_at(evidence) if not r.synced_marker and r.log.status not in NOTHING_WRITTEN]
    if waiting:
        observed = tuple(f"{r.path}: {r.log.history_rows} rows, no .synced marker" for r in waiting[:3])
        yield Hit(id="sync-never-run", observed=observed, values={"run_dir": waiting[0].path})


def truncated(evidence: Evidence) -> Iterator[Hit]:
    """The log of an offline run breaks off inside a record, or part of it is damaged."""
    text = sync_said(evidence, TORN_SAID)
    seen = evidence.request.source == "job"
    copies = [] if seen else [r for r in evidence.local.runs if cut_off_afterwards(r)]
    broken = [] if seen else [r for r in looked_at(evidence) if r.log.status in CUT_OFF and r not in copies]
    broken = [*copies, *broken]
    if not text and not broken:
        return
    shown = tuple(
        f"{r.log.path}: {r.log.size_bytes} bytes, {_break(r)}; {r.log.history_rows} rows before it" for r in broken[:2]
    )
    run = broken[0] if broken else None
    values = {"log_file": run.log.path, "run_dir": run.path} if run else {"log_file": "the .wandb file"}
    if copies:
        shown = (*shown, "The SDK's own logs say that the run was closed: the file was cut off after that.")
        values |= {"cut": "afterwards"}
    yield Hit(id="sync-truncated-file", observed=(*text, *shown), values=values)


def _break(run: LocalRun) -> str:
    if run.log.torn_at is not None:
        return f"the record at byte {run.log.torn_at} is cut off"
    if run.log.skipped_bytes:
        return f"{run.log.skipped_bytes} bytes could not be read"
    return "its end is missing"


def nothing_written(evidence: Evidence) -> Iterator[Hit]:
    """The log of an offline run holds a header at most."""
    text = sync_said(evidence, EMPTY_SAID)
    # A job that was killed before our eyes is the earlier cause.
    seen = evidence.request.source == "job"
    ended = [r for r in looked_at(evidence) if not cut_off_afterwards(r)]
    empty = [] if seen else [r for r in ended if r.log.status in NOTHING_WRITTEN]
    if not text and not empty:
        return
    shown = tuple(f"{r.log.path}: {r.log.size_bytes} bytes" for r in empty[:2])
    values = {"log_file": empty[0].log.path, "run_dir": empty[0].path} if empty else {"log_file": "the .wandb file"}
    yield Hit(id="sync-empty-file", observed=(*text, *shown), values=values)


def wrong_path(evidence: Evidence) -> Iterator[Hit]:
    """The upload was given a path without a run."""
    text = sync_said(
        evidence,
        r"Invalid value for '\[PATHS?\]\.\.\.'|^(wandb: )?Skipping directory: |^wandb: No runs to (sync|be synced)",
    )
    if text and not sync_said(evidence, r"Skipped \d+ (synced|online) run|use wandb sync --clean"):
        yield Hit(id="sync-wrong-path", observed=text)


def skipped(evidence: Evidence) -> Iterator[Hit]:
    """The upload left out a run that it took for done, or for none of its business."""
    if text := sync_said(evidence, r"Skipped \d+ synced run\(s\)|use wandb sync --clean"):
        marked = [r for r in evidence.local.runs if r.synced_marker]
        # Without the run on the server, or with half of it, this is the reason why.
        there = {r.id: r.rows or 0 for r in server_runs(evidence)}
        lacking = [r for r in marked if there.get(r.run_id, 0) < r.log.history_rows]
        run = next(iter(lacking or marked), None)
        values = {"marker": f"{run.log.path}.synced", "run_dir": run.path} if run else {"marker": ".synced"}
        yield Hit(id="sync-skips-synced", observed=text, values=values, severity="error" if lacking else None)
    if text := sync_said(evidence, r"Skipped \d+ online run\(s\)"):
        run = next((r for r in evidence.local.runs if not r.offline), None)
        yield Hit(id="sync-skips-online", observed=text, values={"run_dir": run.path} if run else {})


def sync_without_key(evidence: Evidence) -> Iterator[Hit]:
    """The upload found no key; the job itself did not need one."""
    text = sync_said(
        evidence, r"^Error: No API key configured|^wandb: (ERROR )?Not authenticated\.|Invalid or missing api_key"
    )
    own = tuple(
        line for line in evidence.sync_output if "No API key configured" in line or "api_key not configured" in line
    )
    if text or own:
        yield Hit(id="sync-no-key", observed=(text or own)[:2])


def sync_hangs(evidence: Evidence) -> Iterator[Hit]:
    """The upload by SDK 0.28.1, which the harness itself runs with, was started and did not end."""
    hung = [line for line in evidence.sync_output if "no end after" in line]
    if hung and evidence.versions.get("reader_sdk") == "0.28.1":
        yield Hit(id="sync-hang-renamed-run", observed=(hung[0], "The SDK that uploads is 0.28.1."))


def deleted_run(evidence: Evidence) -> Iterator[Hit]:
    """The upload was refused because the run's id belongs to a deleted run; in an online job that is init's fault."""
    pattern = r"was previously created and deleted; try a new run name"
    own = tuple(line for line in evidence.sync_output if re.search(pattern, line))
    offline = any(run.offline for run in evidence.local.runs) and not python_errors(evidence, text=pattern)
    if text := own or (said(evidence, pattern) if offline else ()):
        yield Hit(id="sync-deleted-run", observed=text[:2])


def resume_ignored(evidence: Evidence) -> Iterator[Hit]:
    """Restarts of an offline job made a folder each, with the same run id."""
    by_id: dict[str, list[LocalRun]] = {}
    for run in evidence.local.runs:
        if run.offline:
            by_id.setdefault(run.run_id, []).append(run)
    text = said(evidence, r"`resume` will be ignored since W&B syncing is set to `offline`", limit=1)
    for run_id, runs in by_id.items():
        starts = sorted(r.started_at for r in runs if r.started_at is not None)
        restarted = any(later - earlier >= RESTART_GAP_S for earlier, later in pairwise(starts))
        if restarted and (text or evidence.request.source == "run_dir"):
            folders = (f"{len(runs)} folders of run {run_id}:", *(r.path for r in runs[:4]))
            yield Hit(id="offline-resume-ignored", observed=(*text, *folders), values={"run_id": run_id})


def folder_in_ram(evidence: Evidence) -> Iterator[Hit]:
    """The only copy of a run that was asked to be offline lies where it vanishes."""
    if not evidence.request.offline:
        return
    place = evidence.setup.place if evidence.setup else None
    text = find_lines(evidence, TEMPORARY_FOLDER)
    if text:
        paths = tuple(f"The run is in {run.path}." for run in evidence.local.runs[:1])
        yield Hit(id="offline-dir-in-ram", observed=(*text, *paths))
    elif place and place.wandb_dir_in_ram:
        yield Hit(id="offline-dir-in-ram", observed=(f"{place.wandb_dir} is on a file system in memory.",))


def reader_offline(evidence: Evidence) -> Iterator[Hit]:
    """An old reader obeyed WANDB_MODE=offline."""
    trouble, version = evidence.server.trouble, evidence.server.reader_version
    old = version is not None and version_key(version) < (0, 26, 1)
    if trouble and old and "offline" in trouble.text.lower():
        yield Hit(id="api-offline-mode", observed=(f"wandb.Api of SDK {version}: {trouble.text}",))


RULES: tuple[Rule, ...] = (
    never_synced, truncated, nothing_written, wrong_path, skipped, sync_without_key, sync_hangs, deleted_run,
    resume_ignored, folder_in_ram, reader_offline,
)  # fmt: skip
