"""What the disk has and the server lacks: each difference in words."""

from harness.diagnosis.outcomes import NotApplicable, NotChecked
from harness.diagnosis.view import TEMPORARY_FOLDER, final_server, find_lines
from harness.evidence.models import Evidence, LocalRun, ServerRun

WHOLE = ("complete",)


def losses(evidence: Evidence) -> list[str]:
    """Compare each run directory with its run on the server; without a server, ask whether the log is whole.

    Raises:
        NotApplicable: there is nothing to compare.
        NotChecked: the server could not be read.
    """
    if evidence.request.source == "job_log":
        raise NotApplicable("only job output was given")
    if not evidence.local.runs:
        raise NotApplicable("there is no run directory to compare with")
    reading = final_server(evidence)
    if reading.status == "failed":
        raise NotChecked(f"the server could not be read: {reading.trouble.text if reading.trouble else ''}")
    if reading.status == "not_asked":
        problems = (_incomplete(run) or _only_copy(run, evidence) for run in evidence.local.runs)
        return [problem for problem in problems if problem]
    on_server = {run.id: run for run in reading.runs}
    found: list[str] = []
    for run in evidence.local.runs:
        if problem := _incomplete(run):
            found.append(problem)
        if server := on_server.get(run.run_id):
            found += _differences(run, server)
    return found


def _incomplete(run: LocalRun) -> str | None:
    log = run.log
    if log.status in WHOLE:
        return None
    words = {
        "empty": "its log is empty (0 bytes)", "header_only": "its log holds nothing but a header (7 bytes)",
        "no_exit_record": "its log has no end: the process was killed", "torn": "its log breaks off in a record",
        "damaged": f"{log.skipped_bytes} bytes of its log are damaged",
        "not_a_wandb_file": "its log is no .wandb file", "missing": "it has no log",
        "unreadable": f"its log cannot be read ({log.error})",
    }  # fmt: skip
    return f"run {run.run_id}: {words[log.status]}"


def _only_copy(run: LocalRun, evidence: Evidence) -> str | None:
    """Why the only copy of an offline run is not where it should be by now: on a server, or on a disk that stays."""
    if run.offline and evidence.request.source == "run_dir" and not run.synced_marker:
        return f"run {run.run_id}: it was never uploaded"
    if run.offline and find_lines(evidence, TEMPORARY_FOLDER):
        return f"run {run.run_id}: it is in a temporary folder, {run.path}"
    return None


def _differences(local: LocalRun, server: ServerRun) -> list[str]:
    log, name = local.log, f"run {local.run_id}"
    found = []
    resumed = bool(log.run and (log.run.resumed or log.run.starting_step))
    rows = server.rows or 0
    if rows < log.history_rows:
        found.append(f"{name}: {log.history_rows} rows on disk, {rows} on the server")
    elif log.last_step is not None and server.last_step is not None and server.last_step < log.last_step:
        found.append(f"{name}: last step {log.last_step} on disk, {server.last_step} on the server")
    for key, series in sorted(log.series.items()):
        kept = server.series.get(key)
        if key.startswith("_") or "." in key or len(found) >= 6:
            continue
        if kept is None or kept.count < series.count:
            found.append(f"{name}: {key} has {series.count} points on disk, {kept.count if kept else 0} on the server")
    lacking = [k for k in log.summary if not k.startswith("_") and "." not in k and k not in server.summary]
    if lacking and log.status in WHOLE and server.detailed:
        found.append(f"{name}: the summary on the server lacks {', '.join(sorted(lacking)[:5])}")
    if log.exit_code is not None and server.state in ("finished", "failed") and not resumed:
        expected = "finished" if log.exit_code == 0 else "failed"
        if server.state != expected:
            found.append(f"{name}: exit code {log.exit_code} on disk, {server.state} on the server")
    return found
