"""The symptom of the sync: what the disk has and the server lacks, with the layer that lost it."""

from collections.abc import Iterator

from harness.evidence.models import Evidence, JsonValue, LocalRun, ServerRun
from harness.evidence.server.unshown import unshown
from harness.judging.attempts import made_good
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.families.network.upload import FATAL
from harness.judging.live.early import RUNNING
from harness.judging.live.of_evidence import life_of
from harness.judging.lost_data import Lost, count, first_missing, layer, upload_lost
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.run_end import life
from harness.judging.view import TEMPORARY_FOLDER, contradiction, final_server, find_lines

MOST_METRICS = 4
NAMED = 5
MOST_ENTRIES = 200
"""Entries of summary and config that are read from the server."""


def losses(evidence: Evidence) -> list[str]:
    """Compare each run directory with its run on the server; without a server, ask whether all is safe by itself.

    Raises:
        NotApplicable: there is nothing to compare.
        NotChecked: the server could not be read, or contradicts itself.
    """
    if not evidence.local.runs:
        if said := find_lines(evidence, FATAL, limit=1):
            return [f"sent and refused: {said[0]}"]
        alone = evidence.request.source == "job_log"
        raise NotApplicable("only job output was given" if alone else "there is no run directory to compare with")
    if life_of(evidence) is not None:
        return list(_lost_already(evidence))
    reading = final_server(evidence)
    if reading.status == "failed":
        raise NotChecked(f"the server could not be read: {reading.trouble.text if reading.trouble else ''}")
    if reading.status == "not_asked":
        return [problem for run in evidence.local.runs if (problem := _unsafe(run, evidence))]
    on_server = {run.id: run for run in reading.runs}
    found: list[str] = []
    for run in evidence.local.runs:
        if not made_good(run, evidence) and (problem := _incomplete(run, evidence)):
            found.append(problem)
        if server := on_server.get(run.run_id):
            if (problem := contradiction(server)) and not found:
                raise NotChecked(problem)
            found += _differences(run, server, evidence)
    return found


def _lost_already(evidence: Evidence) -> Iterator[str]:
    """What of a run that still runs will not arrive any more: the rest may be on its way.

    Raises:
        NotApplicable: nothing is lost yet.
    """
    found = [
        f"run {run.run_id}: {lost or f'{run.log.skipped_bytes} bytes of its log are damaged'}"
        for run in evidence.local.runs
        if (lost := upload_lost(run)) or run.log.status == "damaged"
    ]
    if not found:
        raise NotApplicable(RUNNING)
    yield from found


def _unsafe(run: LocalRun, evidence: Evidence) -> str | None:
    """Why a run that only the disk tells of is not whole, or not where it should be by now."""
    if problem := _incomplete(run, evidence) or _only_copy(run, evidence):
        return problem
    lost = upload_lost(run) if not run.synced_marker else None
    rows = count(run.log.history_rows, "row")
    return f"run {run.run_id}: {lost}; {rows} on disk, how many the server has is not known here" if lost else None


def _incomplete(run: LocalRun, evidence: Evidence) -> str | None:
    log = run.log
    if log.status == "complete":
        return None
    words = {
        "empty": "its log is empty (0 bytes)", "header_only": "its log holds nothing but a header (7 bytes)",
        "no_exit_record": "its log has no end: the process was killed", "torn": "its log breaks off in a record",
        "damaged": f"{log.skipped_bytes} bytes of its log are damaged",
        "not_a_wandb_file": "its log is no .wandb file", "missing": "it has no log",
        "unreadable": f"its log cannot be read ({log.error})",
    }  # fmt: skip
    if log.status in ("no_exit_record", "torn", "header_only", "empty") and life(run, evidence) != "over":
        return f"run {run.run_id}: its log has no end; whether its job still runs is not known here"
    printed = len({e.epoch for e in evidence.job.output.epochs}) if evidence.job else 0
    unwritten = printed - log.history_rows
    only_run = len(evidence.local.runs) == 1
    told = f"; never written: {count(unwritten, 'row')} of {printed} that the output tells of"
    return f"run {run.run_id}: {words[log.status]}{told if only_run and unwritten > 0 else ''}"


def _only_copy(run: LocalRun, evidence: Evidence) -> str | None:
    """Why the only copy of an offline run is not where it should be by now: on a server, or on a disk that stays."""
    if run.offline and evidence.request.source == "run_dir" and not run.synced_marker:
        return f"run {run.run_id}: it was never uploaded"
    if run.offline and find_lines(evidence, TEMPORARY_FOLDER):
        return f"run {run.run_id}: it is in a temporary folder, {run.path}"
    return None


def _differences(local: LocalRun, server: ServerRun, evidence: Evidence) -> Iterator[str]:
    """Name what is missing: rows and their first step, or else single metrics; then all that is no row."""
    log, name = local.log, f"run {local.run_id}"
    lost = layer(local, server, evidence)
    there = server.rows or 0
    if there < log.history_rows:
        missing = f"{log.history_rows - there} of {count(log.history_rows, 'row')} are not on the server"
        where = first_missing(local, server)
        yield f"{name}: {missing}{where and f', {where}'}: {lost}"
    elif log.last_step is not None and server.last_step is not None and server.last_step < log.last_step:
        yield f"{name}: last step {log.last_step} on disk, {server.last_step} on the server: {lost}"
    else:
        yield from _metrics(local, server, lost)
    if rest := list(_no_rows(local, server, lost)):
        yield f"{name}: the server lacks {'; '.join(rest)}: {lost}"
    # The server has the end of the last start alone, however often the run was started.
    later = (r for r in evidence.local.runs if r.run_id == local.run_id)
    if all((r.started_at or 0.0) <= (local.started_at or 0.0) for r in later) and (
        problem := _other_end(local, server)
    ):
        yield f"{name}: {problem}"


def _metrics(local: LocalRun, server: ServerRun, lost: Lost) -> Iterator[str]:
    short = []
    for key, series in sorted(local.log.series.items()):
        kept = server.series.get(key)
        there = kept.count if kept else 0
        if key[:1] != "_" and "." not in key and there < series.count:
            short.append(f"run {local.run_id}: {series.count - there} of {series.count} points of {key}"
                         f" are not on the server: {lost}")  # fmt: skip
    yield from short[:MOST_METRICS]


def _no_rows(local: LocalRun, server: ServerRun, lost: Lost) -> Iterator[str]:
    """Compare what is no row: summary, config, console lines, system samples."""
    log = local.log
    if not server.detailed or log.status != "complete":
        return
    for what, own, held in (("summary", log.summary, server.summary), ("config", log.config, server.config)):
        lacking = [k for k, v in own.items() if k[:1] != "_" and "." not in k and k not in held and _is_sent(v)]
        if lacking and len(held) < MOST_ENTRIES:
            yield f"{what} {', '.join(sorted(lacking)[:NAMED])}"
    # These can be read later than the rows: until they surely could, their lack is no loss but a remark.
    if lost.layer != "sent and not readable yet":
        yield from (count(have, what) for what, have in unshown(local, server).items())


def _is_sent(value: JsonValue) -> bool:
    """Whether wandb-core sends a value at all: it sends leaves, and a dictionary without any has none."""
    return not isinstance(value, dict) or any(_is_sent(inner) for inner in value.values())


def _other_end(local: LocalRun, server: ServerRun) -> str | None:
    log = local.log
    resumed = bool(log.run and (log.run.resumed or log.run.starting_step))
    if log.exit_code is None or server.state not in ("finished", "failed") or resumed:
        return None
    expected = "finished" if log.exit_code == 0 else "failed"
    return f"exit code {log.exit_code} on disk, {server.state} on the server" if server.state != expected else None


def nothing_was_lost(case: Case, _: str) -> str | None:
    """Disk and server differ."""
    return "; ".join(losses(case.evidence)) or None


CHECKS = (
    Check(
        "test_6_sync.py", "test_nothing_was_lost", nothing_was_lost, needs=("test_init_succeeded",),
        brings=(
            "test_run_finished", "test_config_is_tracked", "test_environment_is_recorded",
            "test_console_output_is_captured", "test_series_is_present", "test_series_has_every_point",
            "test_host_metrics_are_captured", "test_every_gpu_reports", "test_metrics_were_visible_while_running",
        ),
    ),
)  # fmt: skip
