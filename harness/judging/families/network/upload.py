"""Rules for the family network after a run exists: what was logged did not get through to the server."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, HttpTrouble, LocalRun
from harness.judging.families.network.reach import Failure, classify, init_succeeded, is_filestream, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import (
    final_server,
    find_lines,
    http_troubles,
    main_local_run,
    main_server_run,
    said,
    sdk_log_lines,
    server_runs,
)

FATAL = r"Fatal error while uploading data\. Some run data will not be synced|Dropped streaming file chunk"
FATAL_LOG = r"filestream: fatal error(?!.*context canceled)"
GAVE_UP = r"(?s)filestream: fatal error.*context canceled"
"""wandb.finish() came to its own limit, or the process was told to end, while requests were still being retried."""
TIMED_OUT = r"Timed out finishing run"
CLOSED = r"^wandb: (Synced |.*Find logs at)"
"""What the SDK prints when it has closed a run: then it waits no more."""
PROGRESS = (
    r"^wandb:.*(uploading (history|summary|output|console|system|data)|updating run metadata|[\d.]+ MB uploaded"
    r"|Waiting for W&B process to finish|retrying: )"
)
_SEVERAL = 3  # one or two answers of 429 are the server's normal way to smooth bursts


def still_wanted(evidence: Evidence) -> bool:
    """Whether some run of the job is not finished on the server, or nobody could look."""
    runs = server_runs(evidence)
    return not runs or any(r.state not in ("finished", "failed") for r in runs)


def stream_refused(evidence: Evidence) -> Iterator[Hit]:
    """The file stream was answered with 4xx: the SDK gives it up for the rest of the run."""
    refused = [t for run in evidence.local.runs for t in refusals(run)]
    log = sdk_log_lines(evidence, FATAL_LOG)
    printed = find_lines(evidence, FATAL)
    # The same warning is printed where wandb.finish() gave up what it was still retrying.
    gave_up = sdk_log_lines(evidence, GAVE_UP) or said(evidence, TIMED_OUT)
    if not (refused or log or (printed and not gave_up)):
        if not gave_up and (told := closed_unheard(evidence)):
            yield Hit(id="net-filestream-4xx-fatal", observed=told, values={"status": "a refusal"})
        return
    words = [t.text for t in refused if t.text] or list(log)
    code = next((t.status for t in refused if t.status), None) or _status("\n".join(words))
    observed = dict.fromkeys((*printed[:1], *(shorten(w) for w in words[:2])))
    if not observed:
        observed = dict.fromkeys((f"{refused[0].path} was answered with HTTP {code}.",))
    gone = final_server(evidence).status == "read" and not server_runs(evidence)
    deleted = ("The run is not on the server any more: it was deleted.",) if gone else ()
    yield Hit(
        id="net-filestream-4xx-fatal",
        observed=(*observed, *deleted),
        values={"status": f"HTTP {code}" if code else "a refusal"},
    )


def refusals(run: LocalRun) -> tuple[HttpTrouble, ...]:
    """Return the refusals after which the SDK sent no more of this run's rows."""
    return tuple(t for t in run.sdk_logs.http if is_filestream(t) and _final(t))


def gave_up_in(run: LocalRun) -> bool:
    """Whether the SDK's logs say that the upload of this run was given up while it was still being tried."""
    return any(map(re.compile(GAVE_UP).search, (line.text for line in run.sdk_logs.lines)))


def closed_unheard(evidence: Evidence) -> tuple[str, ...]:
    """Tell from the server alone that the stream was refused: the run was closed, and its stream never got through.

    The SDK uploads the summary file when it closes a run. The stream carries the rest, a sign of life included.
    """
    run = main_server_run(evidence)
    if evidence.request.source != "run" or run is None or not run.detailed or run.state in ("finished", "failed"):
        return ()
    silent = not (run.rows or run.event_rows or run.console_lines) and run.event_rows is not None
    if not silent or "wandb-summary.json" not in run.files:
        return ()
    files = ", ".join(run.files[:5])
    return (
        f"Run {run.id} has the files that the SDK uploads when it closes a run: {files}.",
        f"It has no row, no system metric and no line of output, and W&B shows it as {run.state}.",
    )


def _final(trouble: HttpTrouble) -> bool:
    code = trouble.status or _status(trouble.text)
    if code is None:
        return trouble.fatal and not re.search(r"context canceled|while retrying", trouble.text)
    return 400 <= code < 500 and code not in (408, 429)  # those are retried


def _status(words: str) -> int | None:
    match = re.search(r"failed to upload: (\d{3})|\b(4\d\d) [A-Z][a-z]+ ", words)
    return int(next(g for g in match.groups() if g)) if match else None


def stream_slowed(evidence: Evidence) -> Iterator[Hit]:
    """429 on the file stream: a warning where it happened often, an error where data was late for good."""
    slowed = [t for t in http_troubles(evidence) if is_filestream(t) and t.status == 429]
    printed = find_lines(evidence, r"429 encountered \(Filestream rate limit exceeded", limit=20)
    count = sum(t.count for t in slowed) or len(printed)
    if count == 0 or not init_succeeded(evidence):
        return
    lost = still_wanted(evidence)
    if lost or count >= _SEVERAL:
        words = printed[:1] or (f"{slowed[0].path}: answered 429 {count} times: {shorten(slowed[0].text)}",)
        severity = "error" if lost and _nothing_else_stopped_it(evidence) else None
        yield Hit(id="net-429-filestream", observed=words, values={"count": str(count)}, severity=severity)


def _nothing_else_stopped_it(evidence: Evidence) -> bool:
    """Whether the stream was slow to the end, and had no other answer: a process that is killed loses rows anyway."""
    waited = hangs(evidence) or any(gave_up_in(run) for run in evidence.local.runs)
    unread = evidence.job is None or not evidence.local.runs
    return (waited or unread) and not upload_failures(evidence) and not any(map(refusals, evidence.local.runs))


def upload_failures(evidence: Evidence) -> tuple[Failure, ...]:
    """Requests that failed after wandb.init() had succeeded, those of the file stream first."""
    found = sorted(http_troubles(evidence), key=lambda t: not is_filestream(t)) if init_succeeded(evidence) else ()
    return tuple(f for t in found if not _final(t) for f in [classify(t.text, t.status)] if f and f.kind != "rate")


def hangs(evidence: Evidence) -> bool:
    """Whether the job was stopped while it waited for the upload: nothing of training came after wandb's progress."""
    job = evidence.job
    if job is None or (job.ending in ("completed", "failed") and job.stopped_by_harness is None):
        return False
    signs = [line.text for line in job.output.tail if re.search(rf"{PROGRESS}|{CLOSED}|^Epoch \d", line.text)]
    return bool(signs and re.search(PROGRESS, signs[-1]))


def connection_lost(evidence: Evidence) -> Iterator[Hit]:
    """The server was there for wandb.init() and gave no answer when the rest was to be sent."""
    lost = [f for f in upload_failures(evidence) if f.status is None]
    if lost and (still_wanted(evidence) or hangs(evidence)):
        told = tuple(dict.fromkeys(shorten(f.words) for f in lost[:2]))
        stopped = evidence.job.stopped_by_harness if evidence.job else None
        values = {"peer": lost[0].peer or lost[0].url or "the server"}
        yield Hit(id="net-lost-midrun", observed=(*told, *((stopped,) if stopped else ())), values=values)


def finish_hangs(evidence: Evidence) -> Iterator[Hit]:
    """Training was over and the SDK still tried to upload when it was stopped, or gave up by its own limit."""
    failures = upload_failures(evidence)
    gave_up = said(evidence, TIMED_OUT) or sdk_log_lines(evidence, GAVE_UP, limit=1)
    observed = _stuck(evidence) or (gave_up if still_wanted(evidence) else ())
    if not observed or not init_succeeded(evidence):
        return
    reasons = (_worded(f) for f in failures[:2])
    reason = f"the server answers HTTP {failures[0].status}" if failures and failures[0].status else "no answer came"
    lines = tuple(dict.fromkeys(shorten(w) for w in (*observed, *reasons)))
    yield Hit(id="net-finish-hang", observed=lines, values={"reason": reason})


def _stuck(evidence: Evidence) -> tuple[str, ...]:
    """What shows that the job hung in the upload: the SDK's last progress line and why the job was stopped."""
    job = evidence.job
    if job is None or not hangs(evidence):
        return ()
    progress = tuple(ln.text for ln in job.output.tail if re.search(PROGRESS, ln.text))[-1:]
    return (*progress, *((job.stopped_by_harness,) if job.stopped_by_harness else ()))


def _worded(failure: Failure) -> str:
    words = failure.words
    return f"HTTP {failure.status}: {words}" if failure.status and str(failure.status) not in words else words


def row_too_big(evidence: Evidence) -> Iterator[Hit]:
    """A row that exceeds the limit for one line of history was left out."""
    lines = find_lines(evidence, r"Skipped uploading run\.log\(\) data that exceeded size limit")
    lines = lines or sdk_log_lines(evidence, "run history line too long")
    if lines:
        run = main_local_run(evidence)
        large = [key for key, found in run.log.series.items() if not found.count_number] if run else []
        values = {"large": large[0]} if len(large) == 1 else {}
        yield Hit(id="net-line-too-big", observed=lines, values=values)


RULES: tuple[Rule, ...] = (stream_refused, stream_slowed, connection_lost, finish_hangs, row_too_big)
