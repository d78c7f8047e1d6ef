"""Of a run directory alone it is told what was sent, what `wandb sync` would recover, and what is lost, and why."""

import pytest

from harness.evidence.models import LocalRun, SdkLogs
from harness.evidence.models.wandb_log import LogProblem
from harness.judging.recovery import recovery
from tests.judging.build import http, local_run, log

RECORDS = {"history": 3}
REFUSED = SdkLogs(http=(http("403 Forbidden", 403, "/files/team/vit/abcd1234/file_stream", fatal=True),))
OPEN = {"has_exit": False, "exit_code": None}


def run(
    status: str = "complete", *, offline: bool = True, rows: int = 3, change: dict | None = None, **rest
) -> LocalRun:
    """A run directory whose log is in this state."""
    records = {"history": rows} if rows else {}
    steps = {"history_rows": rows, "last_step": rows - 1 if rows else None}
    return local_run(offline=offline, log=log(status=status, records=records, **steps, **(change or {})), **rest)


DAMAGED = {
    "rows_before_damage": 1,
    "skipped_bytes": 500,
    "problems": (LogProblem(offset=900, what="x", skipped_bytes=500),),
}


@pytest.mark.parametrize(
    ("found", "sent", "recoverable", "lost"),
    [
        (run(), "nothing: no .synced marker", "all 3 rows: wandb sync /scratch", "nothing"),
        (run(synced_marker=True), "uploaded by `wandb sync`", "nothing that is not on the server", "nothing"),
        (run(offline=False), "all, as far as", "nothing that is not on the server", "nothing"),
        (run(offline=False, sdk_logs=REFUSED), "a part: the rest was sent and refused (HTTP 403)",
         "all 3 rows: wandb sync --include-online /scratch", "nothing"),
        (run("torn", change=OPEN, writer="gone"), "nothing",
         "3 rows, and the run shows as failed: wandb sync /scratch", "what was logged after step 2: wandb-core writes"),
        (run("torn", change=OPEN), "nothing", "3 rows, and the run shows as failed: wandb sync /scratch",
         "nothing if its process still runs, else what was logged after step 2: wandb-core writes"),
        (run("no_exit_record", offline=False, change=OPEN), "all but the last seconds",
         "3 rows, and the run shows as failed: wandb sync --include-online /scratch",
         "what was logged after step 2, unless it had been sent: wandb-core writes"),
        (run("header_only", rows=0, change={**OPEN, "size_bytes": 7}), "nothing", "nothing: the log holds no record",
         "everything that was logged: wandb-core writes"),
        (run("torn", rows=0, change=OPEN, writer="gone"), "nothing", "nothing: the log holds no record",
         "everything that was logged: wandb-core writes"),
        (run("damaged", change=DAMAGED), "nothing", "1 row of 3: wandb sync /scratch",
         "500 bytes that are damaged, the first at byte 900; `wandb sync` stops there, and the 2 rows behind it"),
        (run("torn", change=OPEN, writer="alive"), "nothing", "whatever is on disk when the run has ended", "nothing"),
        (run("unreadable", rows=0, change={**OPEN, "error": "Permission denied"}), "nothing",
         "nothing: the log holds no record", "there is no log that can be read (Permission denied)"),
    ],
)  # fmt: skip
def test_recovery(found, sent, recoverable, lost):
    told = recovery(found)
    assert told.sent.startswith(sent)
    assert told.recoverable.startswith(recoverable)
    assert lost in told.lost


def test_what_is_there():
    assert recovery(run()).there == (
        "offline run abcd1234, wandb 0.31.0: 3 rows up to step 2, 4,000 bytes, closed with exit code 0"
    )
    assert recovery(run("torn", change=OPEN)).there.endswith("never closed")


def test_a_log_that_was_cut_off_after_its_end_is_told_from_one_that_never_ended():
    told = recovery(run("torn", change=OPEN, sdk_logs=SdkLogs(closed=True), offline=False))
    assert told.there.endswith("closed by the SDK, and cut off afterwards")
    assert told.sent.startswith("all, as far as")
    assert told.lost.startswith("what was logged after step 2, unless it had been sent, if no whole copy is left")
