"""The rules about modes and uploads: each fires on its own evidence and is silent on its nearest neighbour."""

import pytest

from harness.diagnosis.engine import diagnose
from harness.diagnosis.rules import mode_and_sync
from harness.evidence.models import (
    JobOutput,
    JobPython,
    Mode,
    ModeSource,
    Place,
    Request,
    ScriptNote,
    ServerReading,
    Trouble,
)
from tests.diagnosis import build as b

ON_DISK = b.local(b.local_run(offline=True))
SAID_OFFLINE = "wandb: W&B syncing is set to `offline` in this directory. Run `wandb online` to enable cloud syncing."
QUIET = b.job(output=JobOutput())
SYNCED = Request(server="real", offline=True, sync=True)
FOLDER = Request(source="run_dir", server="none", target="none", run_dir="/scratch/me/wandb")


def offline_run(*texts, mode, **change):
    """A job that ran to its end offline."""
    ran = {"local": ON_DISK, "server": b.server(), "job": b.job(*(texts or (SAID_OFFLINE,)))}
    return b.evidence(setup=b.setup(mode=mode), **{**ran, **change})


def quiet_job(**setup):
    """A job that ended well without a trace of the SDK."""
    return b.evidence(setup=b.setup(**setup), local=b.local(), server=b.server(), job=QUIET)


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


DISABLED_FIRST = ScriptNote(kind="disabled_beside_others", line=3, text='wandb.init(mode="disabled")')
CASES = {
    "environment, seen before the job": (
        b.not_started(setup=b.setup(mode=b.mode("offline"))),
        "mode-env-offline",
    ),
    "environment, job ran": (offline_run(mode=b.mode("offline")), "mode-env-offline"),
    "the script says mode='offline'": (
        offline_run(mode=b.mode("offline", "script", script_decides=True)),
        "mode-env-offline",
    ),
    "something inside the job says offline": (offline_run(mode=Mode()), "mode-env-offline"),
    "only the job's output": (
        b.evidence(
            request=Request(source="job_log", server="none", target="none"), setup=None,
            job=b.job(SAID_OFFLINE), local=b.local(), server=ServerReading(),
        ),
        "mode-env-offline",
    ),
    "settings file of the folder": (
        offline_run(mode=b.mode("offline", "workspace_settings")),
        "mode-settings-file-offline",
    ),
    "settings file of the user, before the job": (
        b.not_started(setup=b.setup(mode=b.mode("offline", "system_settings"))),
        "mode-settings-file-offline",
    ),
    "dryrun": (offline_run(mode=b.mode("dryrun")), "mode-dryrun-legacy"),
    "disabled, before the job": (b.not_started(setup=b.setup(mode=b.mode("disabled"))), "mode-disabled-silent"),
    "disabled, job ran": (quiet_job(mode=b.mode("disabled")), "mode-disabled-silent"),
    "disabled by something in the script": (
        quiet_job(mode=Mode(script_decides=True, script_words=("disabled",))), "mode-disabled-silent",
    ),
    "disabled by an earlier run of an old SDK": (
        quiet_job(
            mode=Mode(script_decides=True, script_words=("disabled",)), script_notes=(DISABLED_FIRST,),
            python=JobPython(executable="python", wandb_version="0.19.1"),
        ),
        "ver-mode-disabled-scope",
    ),
    "a newer SDK disables that one run only": (
        quiet_job(
            mode=Mode(script_decides=True, script_words=("disabled",)), script_notes=(DISABLED_FIRST,),
            python=JobPython(executable="python", wandb_version="0.19.2"),
        ),
        "mode-disabled-silent",
    ),
    "a word that is no mode": (b.not_started(setup=b.setup(mode=b.mode("onlin"))), "mode-invalid-value"),
    "a word that is no mode, said": (
        b.no_run(job=b.job(
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings", "mode",
            "  Input should be 'online', 'offline', 'shared', 'disabled', 'dryrun' or 'run'", ending="failed",
        )),
        "mode-invalid-value",
    ),
    "a word that is no mode, old SDK": (
        b.no_run(job=b.job("wandb.errors.UsageError: Settings field `mode`: 'onlin' not in {…}", ending="failed")),
        "mode-invalid-value",
    ),
    "WANDB_DISABLED and nothing more": (
        b.evidence(setup=b.setup(place=Place(variables={"WANDB_DISABLED": "true"}))),
        "mode-wandb-disabled-ineffective",
    ),
    "silent": (
        b.evidence(setup=b.setup(place=Place(variables={"WANDB_SILENT": "true"})), job=QUIET),
        "mode-silent",
    ),
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
    "healthy": b.evidence(),
    "empty file of a run that may still be alive": folder(
        b.local_run(offline=True, log=b.log(status="empty", has_exit=False)), created_at=1330.0
    ),
    "log so far of a run that may still be alive": folder(
        b.local_run(offline=True, log=b.log(status="torn", has_exit=False)), created_at=1330.0
    ),
    "healthy preflight": b.not_started(),
    "variable offline, script goes online": b.evidence(setup=b.setup(mode=b.mode("offline", script_decides=True))),
    "variable offline, script decides and dies elsewhere": b.no_run(
        setup=b.setup(mode=b.mode("offline", script_decides=True))
    ),
    "old word for online": b.evidence(setup=b.setup(mode=b.mode("run"))),
    "shared": b.evidence(setup=b.setup(mode=b.mode("shared"))),
    "a mode in the script, and no word of disabled": quiet_job(mode=Mode(script_decides=True)),
    "other ranks disabled, first rank online": b.evidence(setup=b.setup(mode=Mode(script_decides=True))),
    "no run for another reason": b.no_run(),
    "quiet without a word about modes": quiet_job(),
    "quiet on purpose, run elsewhere": quiet_job(
        mode=Mode(script_decides=True), place=Place(variables={"WANDB_SILENT": "true"})
    ),
    "offline as asked": b.evidence(
        request=Request(offline=True, server="real"), local=ON_DISK, server=ServerReading(),
        setup=b.setup(mode=b.mode("offline")),
    ),
    "offline and synced as asked": upload(),
    "synced run in a folder": folder(b.local_run(offline=True, synced_marker=True)),
    "online run in a folder": folder(b.local_run()),
    "online run killed early": folder(b.local_run(log=b.log(status="header_only", size_bytes=7))),
    "invalid mode in a settings file is ignored": b.evidence(setup=b.setup(mode=b.mode("onlin", "system_settings"))),
    "ranks of one offline start": folder(
        *(b.local_run(offline=True, synced_marker=True, started_at=1000.0 + n, path=f"/w/{n}") for n in range(3))
    ),
    "deleted run of an online job": b.no_run(
        job=b.job("wandb: ERROR run a/b/c was previously created and deleted; try a new run name", ending="failed")
    ),
    "fallen back to /tmp, but online": b.evidence(job=b.job("wandb: WARNING Falling back to temporary directory /tmp")),
    "sync of another SDK hangs": upload("wandb sync x: no end after 120 s", versions={"reader_sdk": "0.31.0"}),
    "reader failed for another reason": b.evidence(
        server=ServerReading(status="failed", reader_version="0.31.0", trouble=Trouble(kind="timeout", text="late"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("evidence", SILENT.values(), ids=SILENT)
def test_silent(evidence):
    assert diagnose(evidence, mode_and_sync.RULES) == ()


def test_dryrun_is_an_error_where_online_was_asked_for():
    found = diagnose(offline_run(mode=b.mode("dryrun")), mode_and_sync.RULES)
    assert found[0].severity == "error"


def test_wandb_disabled_is_an_error_where_it_took_the_trainers_callback_away():
    found = diagnose(quiet_job(place=Place(variables={"WANDB_DISABLED": "true"})), mode_and_sync.RULES)
    assert [(f.id, f.severity) for f in found] == [("mode-wandb-disabled-ineffective", "error")]


def test_advice_names_the_settings_file_that_decides():
    mode = Mode(
        sources=(ModeSource(source="system_settings", value="offline", path="/users/me/.config/wandb/settings"),)
    )
    found = diagnose(offline_run(mode=mode), mode_and_sync.RULES)[0]
    assert "sed -i 's/^mode *=.*/mode = online/' /users/me/.config/wandb/settings" in found.advice[0]
    assert "/users/me/.config/wandb/settings" in found.title
    assert "wandb online" not in found.advice[0]


def test_advice_for_the_folders_own_settings_is_the_command_that_writes_them():
    mode = Mode(sources=(ModeSource(source="workspace_settings", value="offline", path="/scratch/wandb/settings"),))
    found = diagnose(offline_run(mode=mode), mode_and_sync.RULES)[0]
    assert "run `wandb online` in that folder" in found.advice[0]


def test_advice_for_an_upload_names_the_run_directory():
    found = diagnose(folder(b.local_run(offline=True)), mode_and_sync.RULES)[0]
    assert f"wandb sync {b.local_run(offline=True).path}" in found.advice[0]
