"""The rules about modes and uploads: each fires on its own evidence and is silent on its nearest neighbour."""

import pytest

from harness.evidence.models import (
    JobOutput,
    JobPython,
    Mode,
    ModeSource,
    Place,
    Request,
    ScriptNote,
    ServerReading,
)
from harness.judging.families.mode_and_sync import rules as mode_and_sync
from harness.judging.findings import diagnose
from tests.judging import build as b

ON_DISK = b.local(b.local_run(offline=True))
SAID_OFFLINE = "wandb: W&B syncing is set to `offline` in this directory. Run `wandb online` to enable cloud syncing."
QUIET = b.job(output=JobOutput())


def named(source, path):
    """Offline, by a file of this path."""
    return Mode(sources=(ModeSource(source=source, value="offline", path=path),), script_decides=source == "script")


def offline_run(*texts, mode, **change):
    """A job that ran to its end offline."""
    ran = {"local": ON_DISK, "server": b.server(), "job": b.job(*(texts or (SAID_OFFLINE,)))}
    return b.evidence(setup=b.setup(mode=mode), **{**ran, **change})


def quiet_job(**setup):
    """A job that ended well without a trace of the SDK."""
    return b.evidence(setup=b.setup(**setup), local=b.local(), server=b.server(), job=QUIET)


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
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "fault"), CASES.values(), ids=CASES)
def test_only_the_fault_is_said(evidence, fault):
    assert [f.id for f in diagnose(evidence, mode_and_sync.RULES)] == [fault]


SILENT = {
    "healthy": b.evidence(),
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
    "invalid mode in a settings file is ignored": b.evidence(setup=b.setup(mode=b.mode("onlin", "system_settings"))),
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
    assert "sed -i '/^ *mode *[=:]/d' /users/me/.config/wandb/settings" in found.advice[0]
    assert "/users/me/.config/wandb/settings" in found.title
    assert "wandb online" not in found.advice[0]


def test_a_mode_that_only_the_interpreter_has_is_looked_for_where_it_starts():
    found = diagnose(offline_run(mode=b.mode("offline", "interpreter")), mode_and_sync.RULES)[0]
    assert found.id == "mode-env-offline"
    assert "its container" in found.title
    assert any("sitecustomize" in text for text in found.advice)
    assert "mode 'offline' comes from the environment that Python" in found.observed[-1]


def test_advice_for_the_folders_own_settings_changes_that_very_file():
    mode = Mode(sources=(ModeSource(source="workspace_settings", value="offline", path="/scratch/wandb/settings"),))
    found = diagnose(offline_run(mode=mode), mode_and_sync.RULES)[0]
    assert found.cure.kind == "settings"
    assert found.cure.commands == ("sed -i '/^ *mode *[=:]/d' /scratch/wandb/settings",)


HERE = "Only on disk: /scratch/me/wandb/offline-run-20261123_120000-abcd1234"
IN_THE_JOB = "Neither WANDB_MODE nor a settings file sets it here, so the job itself did."
ENDED_WELL = "The job ended well, but none of its processes printed a line of wandb or left a run directory."
INVALID = "wandb.errors.UsageError: Settings field `mode`: 'onlin' not in {…}"
OBSERVED = {
    "environment": (
        offline_run(mode=b.mode("offline")),
        (SAID_OFFLINE, HERE, "mode 'offline' comes from WANDB_MODE in the environment"),
    ),
    "script": (
        offline_run(mode=named("script", "train.py")),
        (SAID_OFFLINE, HERE, "mode 'offline' comes from the script train.py"),
    ),
    "settings file": (
        offline_run(mode=named("system_settings", "/users/me/.config/wandb/settings")),
        (SAID_OFFLINE, HERE, "mode 'offline' comes from /users/me/.config/wandb/settings"),
    ),
    "something inside the job": (offline_run(mode=Mode()), (SAID_OFFLINE, HERE, IN_THE_JOB)),
    "only the job's output": (
        CASES["only the job's output"][0],
        (SAID_OFFLINE, "To see what set it: echo $WANDB_MODE; cat wandb/settings; grep -n mode= the script."),
    ),
    "disabled, before the job": (
        b.not_started(setup=b.setup(mode=b.mode("disabled"))),
        ("mode 'disabled' comes from WANDB_MODE in the environment",),
    ),
    "disabled, job ran": (
        quiet_job(mode=b.mode("disabled")),
        ("mode 'disabled' comes from WANDB_MODE in the environment", ENDED_WELL),
    ),
    "disabled, and a process that changed it": (
        quiet_job(mode=b.mode("disabled")).model_copy(update={"job": b.job("wandb: Currently logged in as: me")}),
        ("mode 'disabled' comes from WANDB_MODE in the environment",),
    ),
    "no mode, from the environment": (
        b.not_started(setup=b.setup(mode=b.mode("onlin"))),
        ("mode 'onlin' comes from WANDB_MODE in the environment",),
    ),
    "no mode, from inside the job": (b.no_run(job=b.job(INVALID, ending="failed")), (INVALID, IN_THE_JOB)),
}


@pytest.mark.parametrize(("evidence", "observed"), OBSERVED.values(), ids=OBSERVED)
def test_what_was_seen(evidence, observed):
    assert diagnose(evidence, mode_and_sync.RULES)[0].observed == observed


DISABLED = Place(variables={"WANDB_DISABLED": "true"})
NOT_THE_TRAINER = {
    "the run is there": b.evidence(setup=b.setup(place=DISABLED)),
    "the job failed": b.no_run(setup=b.setup(place=DISABLED)),
    "the SDK spoke": quiet_job(place=DISABLED).model_copy(update={"job": b.job("wandb: setting up run abc")}),
    "another mode is why": quiet_job(place=DISABLED, mode=b.mode("offline")),
    "the script may be why": quiet_job(place=DISABLED, mode=Mode(script_decides=True)),
    "no job was started": b.not_started(setup=b.setup(place=DISABLED)),
}


@pytest.mark.parametrize("evidence", NOT_THE_TRAINER.values(), ids=NOT_THE_TRAINER)
def test_wandb_disabled_does_nothing_to_plain_wandb(evidence):
    assert b.hits([mode_and_sync.wandb_disabled_variable], evidence)["mode-wandb-disabled-ineffective"].severity is None
