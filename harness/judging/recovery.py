"""Says of a run directory what is there, what was sent, what `wandb sync` would recover, and what is lost for good."""

from typing import NamedTuple

from harness.evidence.models import LocalRun
from harness.judging.lost_data import count, upload_lost
from harness.judging.run_end import cut_off_afterwards

UNFLUSHED = "wandb-core writes the log in pieces, and the process ended before it wrote the rest"

CUT_OFF = "the SDK closed the log, and a copy of it, or a full disk, cut it off"


class Recovery(NamedTuple):
    """Four sentences without their ends."""

    there: str
    sent: str
    recoverable: str
    lost: str


def recovery(run: LocalRun) -> Recovery:
    """Judge one run directory by itself, without a server."""
    return Recovery(_there(run), _sent(run), _recoverable(run), _lost(run))


def _there(run: LocalRun) -> str:
    log = run.log
    steps = f" up to step {log.last_step}" if log.last_step is not None else ""
    ends = f"closed with exit code {log.exit_code}" if log.has_exit else _no_end(run)
    if run.writer == "alive":
        ends = "still being written"
    by = f", wandb {log.sdk_version or run.sdk_logs.sdk_version}" if log.sdk_version or run.sdk_logs.sdk_version else ""
    mode = "offline" if run.offline else "online"
    return f"{mode} run {run.run_id}{by}: {count(log.history_rows, 'row')}{steps}, {log.size_bytes:,} bytes, {ends}"


def _no_end(run: LocalRun) -> str:
    return "closed by the SDK, and cut off afterwards" if cut_off_afterwards(run) else "never closed"


def _sent(run: LocalRun) -> str:
    if run.synced_marker:
        return "uploaded by `wandb sync`: its marker is there"
    if run.offline:
        return "nothing: no .synced marker"
    if lost := upload_lost(run):
        return f"a part: the rest was {lost}"
    if not run.log.has_exit and not run.sdk_logs.closed:
        return "all but the last seconds, as long as the process lived; how much of it only the server knows"
    return "all, as far as the SDK's own logs tell"


def _sendable(run: LocalRun) -> int:
    """Rows that `wandb sync` gets to: it stops at the first damaged place."""
    before = run.log.rows_before_damage
    return run.log.history_rows if before is None else before


def _recoverable(run: LocalRun) -> str:
    log, rows = run.log, _sendable(run)
    if run.writer == "alive":
        return "whatever is on disk when the run has ended"
    if not log.records:
        return "nothing: the log holds no record"
    whole = log.status == "complete"
    if run.synced_marker or (whole and not run.offline and upload_lost(run) is None):
        return "nothing that is not on the server"
    online = "" if run.offline else "--include-online "
    amount = f"all {count(rows, 'row')}" if whole else f"{count(rows, 'row')} of {log.history_rows}"
    if log.status in ("torn", "no_exit_record"):
        amount = f"{count(rows, 'row')}, and the run shows as failed"
    return f"{amount}: wandb sync {online}{run.path}"


def _lost(run: LocalRun) -> str:
    log = run.log
    after = f"what was logged after step {log.last_step}" if log.last_step is not None else "everything that was logged"
    unsent = "" if run.offline else ", unless it had been sent"
    if run.writer == "alive" or log.status == "complete":
        return "nothing"
    if log.status in ("empty", "header_only", "no_exit_record", "torn"):
        if cut_off_afterwards(run):
            return f"{after}{unsent}, if no whole copy is left: {CUT_OFF}"
        alive = "" if run.writer else "nothing if its process still runs, else "
        return f"{alive}{after}{unsent}: {UNFLUSHED}"
    if log.status == "damaged":
        behind = log.history_rows - _sendable(run)
        skips = f"; `wandb sync` stops there, and the {count(behind, 'row')} behind it can be read but not uploaded"
        return f"{log.skipped_bytes:,} bytes that are damaged, the first at byte {log.problems[0].offset}{skips}"
    return f"{after}{unsent}: there is no log that can be read ({log.error or log.status.replace('_', ' ')})"
