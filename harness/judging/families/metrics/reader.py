"""Rules for the family metrics, second part: what the reading itself, a restart or a setting makes look odd."""

from collections.abc import Iterator
from itertools import pairwise
from math import isclose

from harness.evidence.models import Evidence, ServerRun
from harness.evidence.server.unshown import SYSTEM_SAMPLE, unshown
from harness.judging.catalogue import version_key
from harness.judging.duplicates import listed, setting
from harness.judging.families.network.reach import is_filestream
from harness.judging.metric_series import SeriesView, all_series, judged, main_run, series
from harness.judging.rule import Hit, Rule
from harness.judging.view import (
    SETTLES_S,
    final_server,
    http_troubles,
    main_local_run,
    main_server_run,
    said,
    sdk_log_lines,
    seconds_since_end,
)

SCAN_BUG = ((0, 27, 1), (0, 28, 0))
"""From this version on, before that one: scan_history() may return nothing (wandb/wandb#12067)."""
NO_SAMPLES = ("test_host_metrics_are_captured", "test_every_gpu_reports")
"""Checks that fail while system samples cannot be read yet."""
SAMPLE = 500
"""Rows that history() returns unless asked for more."""

UPLOAD_TROUBLE = r"[Ff]ile[Ss]tream(?!.*\b429\b)|[Ff]atal error while uploading|ERROR\+4"


def _path(run: ServerRun) -> str:
    return f"{run.entity}/{run.project}/{run.id}"


def scan_bug(evidence: Evidence) -> Iterator[Hit]:
    """The reader's version is known to lose rows, and the server knows of rows that were not read."""
    reading, run = final_server(evidence), main_server_run(evidence)
    version = version_key(reading.reader_version or "")
    if run is None or not SCAN_BUG[0] <= version < SCAN_BUG[1] or not run.last_step or any(run.series.values()):
        return
    observed = f"The server's last step is {run.last_step}; wandb {reading.reader_version} read no row."
    values = {"reader_version": reading.reader_version or "", "run_path": _path(run)}
    yield Hit(id="metric-reader-scan-bug", observed=(observed,), values=values)


def joint_rows(evidence: Evidence) -> Iterator[Hit]:
    """Every expected metric has values, and the sample that was read holds none of any."""
    reading, run = final_server(evidence), main_server_run(evidence)
    if run is None or reading.partial or len(judged(evidence)) < 2:
        return
    found = [run.series.get(name) for name in judged(evidence).values()]
    if any(s is None or not s.numbers or s.sketch or s.non_finite for s in found) or run.system_samples == 0:
        return
    observed = (
        f"{listed(tuple(judged(evidence).values()))} have values each, but the rows that were read hold none of them."
    )
    yield Hit(id="metric-reader-and-semantics", observed=(observed,))


def sampled(evidence: Evidence) -> Iterator[Hit]:
    """Exactly as many points as a sample has, while the disk holds more."""
    for key in judged(evidence).values():
        held, own = series(evidence, key, "server"), series(evidence, key, "disk")
        if held and own and held.count == SAMPLE < own.count:
            yield Hit(
                id="metric-reader-sampling",
                observed=(f"{key} has {SAMPLE} points as read, {own.count} on disk.",),
            )
            return


def too_early(evidence: Evidence) -> Iterator[Hit]:
    """The run has just ended, the disk holds more than could be read, and no upload went wrong."""
    run, disk = main_server_run(evidence), main_local_run(evidence)
    if run is None or disk is None or run.id != disk.run_id or disk.offline or not disk.log.has_exit:
        return
    # Rows go by the file stream, which is slowed by a 429 and then goes on.
    refused = [t for t in http_troubles(evidence) if t.status is None or (is_filestream(t) and t.status != 429)]
    trouble = refused or sdk_log_lines(evidence, UPLOAD_TROUBLE)
    behind = (run.rows is not None and run.rows < disk.log.history_rows) or run.state == "running"
    lacking = unshown(disk, run)
    since = seconds_since_end(evidence, run)
    if (
        not (behind or lacking)
        or trouble
        or said(evidence, "Fatal error while uploading")
        or since is None
        or since > SETTLES_S
    ):
        return
    shown = "an unknown number" if run.rows is None else run.rows
    observed = (
        f"{since:.0f} s after the end, the server shows {shown} of the {disk.log.history_rows} rows on disk,"
        f" and the run as {run.state}."
    )
    rest = (f"It shows none of the {', none of the '.join(f'{have} {what}s' for what, have in lacking.items())}.",)
    fails = ("test_nothing_was_lost", *NO_SAMPLES) if SYSTEM_SAMPLE in lacking and not behind else None
    values = {"run_path": _path(run), "run_dir": disk.path}
    yield Hit(id="metric-reader-too-early", observed=(observed, *(rest if lacking else ())), values=values, fails=fails)


def resumed_epochs(evidence: Evidence) -> Iterator[Hit]:
    """A resumed run whose epoch metric goes back."""
    resumed = [r for r in evidence.local.runs if r.log.run and r.log.run.resumed and r.log.run.starting_step]
    if not resumed and not said(evidence, r"wandb: Resuming run "):
        return
    for key, view in all_series(evidence).items():
        if key.rpartition("/")[2].lower() not in ("epoch", "epochs"):
            continue
        falls = any(b < a for (_, a), (_, b) in pairwise(view.sketch))
        if falls or _begins_anew(evidence, view):
            yield Hit(
                id="metric-resumed-offset", observed=(f"The run was resumed, and {key} goes back to lower values.",)
            )
            return


def _begins_anew(evidence: Evidence, view: SeriesView) -> bool:
    """Whether this job's own part of the series begins with 0, late in the run, after rows of an earlier job."""
    own = series(evidence, view.key, "disk")
    if own is None or not own.sketch:
        return False
    step, value = own.sketch[0]
    return value == 0 and step > 0 and view.count > own.count


def rank_local(evidence: Evidence) -> Iterator[Hit]:
    """Ranks print different losses for one epoch, and one of them is what was logged."""
    epochs = evidence.job.output.epochs if evidence.job else ()
    loss = series(evidence, "loss")
    if loss is None or not loss.sketch or (evidence.request.world_size or 1) < 2:
        return
    first = [e.loss for e in epochs if e.epoch == epochs[0].epoch and e.loss is not None]
    logged = loss.sketch[0][1]
    if len(set(first)) > 1 and any(isclose(value, logged, rel_tol=1e-6, abs_tol=1e-6) for value in first):
        observed = (
            f"Epoch {epochs[0].epoch} has {len(set(first))} different losses in the output; one of them was logged."
        )
        yield Hit(id="metric-rank0-local-only", observed=(observed,))


def console_off(evidence: Evidence) -> Iterator[Hit]:
    """The capture of console output is turned off."""
    variables = evidence.setup.place.variables if evidence.setup else {}
    sdk = evidence.setup.sdk if evidence.setup else None
    named = variables.get("WANDB_CONSOLE", "").lower() == "off"
    told = sdk is not None and sdk.console == "off"
    set_so = [r for r in evidence.local.runs if setting(r, "console") == "off"]
    if main_run(evidence) is not None and (named or told or set_so):
        inside = f"console=off in the settings of {set_so[0].path}" if set_so else "console=off in a settings file"
        where = "WANDB_CONSOLE=off" if named else inside
        yield Hit(id="console-log-missing", observed=(f"{where}.",))


RULES: tuple[Rule, ...] = (scan_bug, joint_rows, sampled, too_early, resumed_epochs, rank_local, console_off)
