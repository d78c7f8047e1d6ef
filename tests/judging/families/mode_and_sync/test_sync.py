"""The rules about offline runs on disk and uploads: each fires on its own evidence, not on its nearest neighbour."""

import pytest

from harness.evidence.models import Place, Request, SdkLogs, ServerReading, Trouble
from harness.judging.families.mode_and_sync import rules as mode_and_sync
from harness.judging.findings import diagnose
from tests.judging import build as b

ON_DISK = b.local(b.local_run(offline=True))
SYNCED = Request(server="real", offline=True, sync=True)
FOLDER = Request(source="run_dir", server="none", target="none", run_dir="/scratch/me/wandb")


def upload(*texts, request=SYNCED, **change):
    """An offline run and what `wandb sync` printed about it."""
    return b.evidence(**{
        "request": request, "local": ON_DISK, "server": b.server(), "sync_output": texts, "sync_exit_code": 0,
        **change,
    })  # fmt: skip


def folder(*runs, **change):
    """A folder on disk, looked at without a job."""
    return b.evidence(request=FOLDER, setup=None, job=None, local=b.local(*runs), server=ServerReading(), **change)


def restart(at):
    return b.local_run(offline=True, path=f"/scratch/me/wandb/offline-run-{at}-{b.RUN_ID}", started_at=at)


CASES = {
    "damaged file of a run without an end": (
        folder(b.local_run(offline=True, synced_marker=True, log=b.log(status="damaged", has_exit=False))),
        "sync-truncated-file",
    ),
    "empty file of an earlier day": (
        folder(b.local_run(offline=True, log=b.log(status="empty", has_exit=False)), created_at=1000.0 + 2 * 86400),
        "sync-empty-file",
    ),
    "offline run left on disk": (folder(b.local_run(offline=True)), "sync-never-run"),
    "torn file in a folder": (
        folder(b.local_run(offline=True, synced_marker=True, log=b.log(status="torn", torn_at=3000))),
        "sync-truncated-file",
    ),
    "online run, cut off after the SDK had closed it": (
        folder(b.local_run(sdk_logs=SdkLogs(closed=True), log=b.log(status="torn", torn_at=300, has_exit=False))),
        "sync-truncated-file",
    ),
    "nothing but a header left of a run that was closed": (
        folder(b.local_run(sdk_logs=SdkLogs(closed=True), log=b.log(status="header_only", has_exit=False))),
        "sync-truncated-file",
    ),
    "torn file, new sync": (
        upload("wandb: ERROR Internal error: transactionlog: error getting next record: unexpected EOF"),
        "sync-truncated-file",
    ),
    "torn file, newest sync": (
        upload('wandb: ERROR Failed to sync all data from "x": the file ends with an incomplete record. If the run'),
        "sync-truncated-file",
    ),
    "flipped bits": (
        upload("wandb: ERROR Internal error: transactionlog: error getting next record: leveldb/record: invalid chunk"),
        "sync-truncated-file",
    ),
    "seven bytes, new sync": (
        upload('wandb: ERROR Failed to read "x": transactionlog: error getting next record: EOF'),
        "sync-empty-file",
    ),
    "zero bytes, new sync": (
        upload('wandb: ERROR Failed to read "x": transactionlog: bad header: EOF'),
        "sync-empty-file",
    ),
    "torn file, legacy sync": (
        upload("wandb: WARNING .wandb file is incomplete (record header is 3 bytes instead of the expected 7)"),
        "sync-truncated-file",
    ),
    "seven bytes": (
        folder(b.local_run(offline=True, log=b.log(status="header_only", size_bytes=7, history_rows=0))),
        "sync-empty-file",
    ),
    "empty file, legacy sync": (
        upload(".wandb file is empty (header is 0 bytes instead of the expected 7), skipping: x"),
        "sync-empty-file",
    ),
    "path of another folder": (
        upload("Error: Invalid value for '[PATH]...': Path 'x' does not exist."),
        "sync-wrong-path",
    ),
    "the files folder": (upload("wandb: No runs to sync."), "sync-wrong-path"),
    "synced before": (
        upload("wandb: Skipped 1 synced run(s). Include with --no-skip-synced.", "wandb: No runs to sync."),
        "sync-skips-synced",
    ),
    "an online run": (
        upload("wandb: Skipped 1 online run(s). Include with --no-skip-online.", "wandb: No runs to sync."),
        "sync-skips-online",
    ),
    "sync without a key": (upload("Error: No API key configured. Use `wandb login` to log in."), "sync-no-key"),
    "sync without a key in the batch script": (
        b.evidence(job=b.job("Error: No API key configured. Use `wandb login` to log in.")),
        "sync-no-key",
    ),
    "sync without a key, the guide's SDK": (
        upload("wandb.errors.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])"),
        "sync-no-key",
    ),
    "sync that hangs": (
        upload("wandb sync x: no end after 120 s", versions={"reader_sdk": "0.28.1"}, sync_exit_code=None),
        "sync-hang-renamed-run",
    ),
    "sync of a deleted run": (
        upload("wandb: ERROR run a/b/c was previously created and deleted; try a new run name (<Response [409]>)"),
        "sync-deleted-run",
    ),
    "requeued offline job": (
        b.evidence(
            request=Request(offline=True, server="real"), local=b.local(restart(1000.0), restart(1400.0)),
            server=ServerReading(),
            job=b.job("wandb: WARNING `resume` will be ignored since W&B syncing is set to `offline`. Starting a"),
        ),
        "offline-resume-ignored",
    ),
    "folders of a job that started again": (
        folder(*(restart(at).model_copy(update={"synced_marker": True}) for at in (1000.0, 1400.0))),
        "offline-resume-ignored",
    ),
    "fallen back to /tmp": (
        b.evidence(
            request=Request(offline=True, server="real"), local=ON_DISK, server=ServerReading(),
            job=b.job("wandb: WARNING Falling back to temporary directory /tmp."),
        ),
        "offline-dir-in-ram",
    ),
    "offline in memory": (
        b.evidence(
            request=Request(offline=True, server="real"), local=b.local(), server=ServerReading(),
            setup=b.setup(place=Place(wandb_dir="/tmp/x", wandb_dir_in_ram=True)),
        ),
        "offline-dir-in-ram",
    ),
    "reader offline": (
        b.evidence(server=ServerReading(
            status="failed", reader_version="0.26.0", trouble=Trouble(kind="other", text="not possible offline"),
        )),
        "api-offline-mode",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "fault"), CASES.values(), ids=CASES)
def test_only_the_fault_is_said(evidence, fault):
    assert [f.id for f in diagnose(evidence, mode_and_sync.RULES)] == [fault]


SILENT = {
    "empty file of a run that may still be alive": folder(
        b.local_run(offline=True, log=b.log(status="empty", has_exit=False)), created_at=1330.0
    ),
    "log so far of a run that may still be alive": folder(
        b.local_run(offline=True, log=b.log(status="torn", has_exit=False)), created_at=1330.0
    ),
    "offline and synced as asked": upload(),
    "synced run in a folder": folder(b.local_run(offline=True, synced_marker=True)),
    "online run in a folder": folder(b.local_run()),
    "online run killed early": folder(b.local_run(log=b.log(status="header_only", size_bytes=7))),
    "ranks of one offline start": folder(
        *(b.local_run(offline=True, synced_marker=True, started_at=1000.0 + n, path=f"/w/{n}") for n in range(3))
    ),
    "two offline runs of one job, which did not speak of resuming": b.evidence(
        request=Request(offline=True, server="real"), server=ServerReading(),
        local=b.local(restart(1000.0), restart(1400.0)),
    ),
    "deleted run of an online job": b.no_run(
        job=b.job("wandb: ERROR run a/b/c was previously created and deleted; try a new run name", ending="failed")
    ),
    "fallen back to /tmp, but online": b.evidence(job=b.job("wandb: WARNING Falling back to temporary directory /tmp")),
    "sync of another SDK hangs": upload("wandb sync x: no end after 120 s", versions={"reader_sdk": "0.31.0"}),
    "reader of a version that does not obey it": b.evidence(server=ServerReading(
        status="failed", reader_version="0.26.1", trouble=Trouble(kind="other", text="not possible offline"),
    )),
    "reader failed for another reason": b.evidence(
        server=ServerReading(status="failed", reader_version="0.31.0", trouble=Trouble(kind="timeout", text="late"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("evidence", SILENT.values(), ids=SILENT)
def test_silent(evidence):
    assert diagnose(evidence, mode_and_sync.RULES) == ()


OBSERVED = {
    "a record that is cut off": (
        folder(b.local_run(offline=True, synced_marker=True, log=b.log(status="torn", torn_at=3000))),
        ("run-abcd1234.wandb: 4000 bytes, the record at byte 3000 is cut off; 3 rows before it",),
    ),
    "records that are damaged": (
        folder(b.local_run(offline=True, synced_marker=True, log=b.log(status="damaged", skipped_bytes=90))),
        ("run-abcd1234.wandb: 4000 bytes, 90 bytes could not be read; 3 rows before it",),
    ),
    "an upload without a key, in the batch script": (
        b.evidence(job=b.job("Error: No API key configured. Use `wandb login` to log in.")),
        ("Error: No API key configured. Use `wandb login` to log in.",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "observed"), OBSERVED.values(), ids=OBSERVED)
def test_what_was_seen(evidence, observed):
    assert diagnose(evidence, mode_and_sync.RULES)[0].observed == observed


def test_advice_for_an_upload_names_the_run_directory():
    found = diagnose(folder(b.local_run(offline=True)), mode_and_sync.RULES)[0]
    assert f"wandb sync {b.local_run(offline=True).path}" in found.advice[0]


SKIPPED = "wandb: Skipped 1 synced run(s). Include with --no-skip-synced."


@pytest.mark.parametrize(
    ("there", "severity"),
    [((), "error"), ((0,), "error"), ((None,), "error"), ((1,), "warning"), ((2,), "warning")],
)
def test_a_skipped_run_is_a_fault_where_the_server_lacks_its_rows(there, severity):
    run = b.local_run(offline=True, synced_marker=True, log=b.log(history_rows=1))
    held = b.server(*(b.server_run(rows=rows) for rows in there))
    found = diagnose(upload(SKIPPED, local=b.local(run), server=held), mode_and_sync.RULES)
    assert [(f.id, f.severity) for f in found] == [("sync-skips-synced", severity)]


def test_of_several_skipped_runs_the_one_that_the_server_lacks_is_named():
    runs = (b.local_run(offline=True, synced_marker=True, run_id=name, path=f"/w/{name}") for name in ("a", "b"))
    found = upload(SKIPPED, local=b.local(*runs), server=b.server(b.server_run(id="a")))
    hit = b.hits(mode_and_sync.RULES, found)["sync-skips-synced"]
    assert hit.severity == "error"
    assert hit.values["run_dir"] == "/w/b"


def test_the_online_run_that_an_upload_left_out_is_named():
    online = b.local_run(path="/w/run-2", run_id="other")
    found = upload("wandb: Skipped 1 online run(s).", local=b.local(b.local_run(offline=True), online))
    assert b.hits(mode_and_sync.RULES, found)["sync-skips-online"].values == {"run_dir": "/w/run-2"}
