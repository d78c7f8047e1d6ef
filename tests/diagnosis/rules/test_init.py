from __future__ import annotations

import pytest

from harness.diagnosis.engine import diagnose
from harness.diagnosis.rules import init
from harness.evidence.models import Evidence, Job, JobPython, Login, LogLine, Place, RunLink, ScriptNote
from tests.diagnosis.build import (
    error,
    evidence,
    hits,
    http,
    job,
    local,
    local_run,
    network,
    no_run,
    not_started,
    output,
    run_with_http,
    server,
    server_run,
    setup,
)  # fmt: skip

COMM = "wandb.errors.errors.CommError"
OLD_TIMEOUT = "Run initialization has timed out after 90.0 sec. Please try increasing the timeout"
WANDB_FRAME = 'File "/opt/venv/lib/python3.12/site-packages/wandb/__init__.py", line 1, in <module>'


def died(message: str, exception: str = COMM, *, extra: tuple[str, ...] = (), troubles=(), **change) -> Evidence:
    """A job that ended with this traceback before there was a run."""
    told = error(exception, message, frames=(WANDB_FRAME,), line=90)
    out = output(*extra, f"{exception}: {message}", errors=(told,), logins=(Login(username="me", line=1),))
    given = {
        "job": Job(ending="failed", exit_code=1, started_at=1.0, output=out),
        "local": local(run_with_http(*troubles)) if troubles else local(),
        "server": server(),
    }
    return evidence(**{**given, **change})


POLL = "wandb.sdk.lib.service.service_port_file.ServicePollForTokenError"
USAGE = "wandb.errors.errors.UsageError"
CASES = [
    ("init-timeout-generic", died(OLD_TIMEOUT)),
    ("init-timeout-generic", died("Timed out initializing run: POST http://x/graphql: context deadline exceeded")),
    ("init-deleted-run-id", died("Timed out while retrying: HTTP 409: run me/p/a1 was previously created and deleted")),
    ("init-deleted-run-id", died(OLD_TIMEOUT, troubles=(http("run me/p/a1 was previously created and deleted", 409),))),
    ("init-entity-403", died("permission denied")),
    ("init-entity-403", died('failed to upsert bucket: returned error 403 Forbidden: {"data": null}')),
    ("init-entity-403", died("do not have permission to access the requested resource (Error 403: Forbidden)")),
    ("init-entity-403", died("team is closed", troubles=(http("team is closed", 403),))),
    ("init-entity-404", died("entity nobody not found during upsertBucket")),
    ("init-entity-404", died('returned error 404: {"message":"entity nobody not found during upsertBucket"}')),
    ("init-bad-project-name", died("Invalid project name 'me/p': cannot contain characters '/', found '/'", USAGE)),
    ("init-bad-run-id", died("Run ID cannot contain the characters: :;,#?/'", USAGE)),
    ("init-bad-run-id", died("Run ID cannot be empty", USAGE)),
    ("init-resume-must-missing", died("The value 'must' is not a valid option for resuming the run (a) that has not")),
    ("init-resume-never-exists", died("The value 'never' is not a valid option for resuming a run (a) that already")),
    ("init-resume-must-missing", died("Run (a) is new, but your `resume` setting requires an existing run to resume.")),
    ("init-resume-never-exists", died("Run (a), but your `resume` setting does not allow resuming an existing run.")),
    ("init-service-start-timeout", died("Failed to read port info after 30.0 seconds (wandb-core PID=7)", POLL)),
    ("init-service-start-timeout", died("Timed out waiting for wandb service to start after 30 s", "a.StartError")),
    ("init-service-died", died("wandb-core exited with code 1", POLL)),
    ("init-core-missing", died("File not found: /opt/venv/wandb/bin/wandb-core.", "wandb.WandbCoreNotAvailableError")),
    ("init-stale-wandb-service", died("Failed to connect to service on /tmp/x", "a.WandbServiceConnectionError")),
    ("init-stale-wandb-service", died("Failed to parse WANDB_SERVICE='2-1-tcp-localhost-4'", "ValueError")),
    ("init-stale-wandb-service", died("Invalid token: 3-1-unix-/tmp/nope", "ValueError")),
    ("init-shadowed-by-file", died("partially initialized module 'wandb' has no attribute 'login'", "AttributeError")),
    ("init-not-installed", died("No module named 'wandb'", "ModuleNotFoundError")),
    ("init-protobuf-conflict", died("Descriptors cannot not be created directly.", "TypeError")),
    ("init-pydantic-conflict", died("cannot import name 'AfterValidator' from 'pydantic'", "ImportError")),
    ("init-dir-not-writable", died("[Errno 13] Permission denied: '/opt/wandb'", "PermissionError")),
    ("init-dir-not-writable", died("[Errno 20] Not a directory: '/scratch/wandb/run-1'", "NotADirectoryError")),
    ("init-dir-not-writable", died("System temp directory (/tmp) is not writable/readable, please set", "ValueError")),
    ("init-disk-quota", died("[Errno 122] Disk quota exceeded", "OSError")),
    ("init-disk-quota", died("Error initializing run: runsync: write /x/a.wandb.syncstate: no space left on device")),
    ("init-core-panic", died("", "wandb.sdk.mailbox.mailbox_handle.HandleAbandonedError")),
    ("init-core-panic", died("Connection lost", "ConnectionResetError", extra=("panic: runtime error: invalid",))),
    ("init-core-panic", died("[Errno 32] Broken pipe", "BrokenPipeError")),
    ("init-log-before-init", died("You must call wandb.init() before wandb.log()", "wandb.errors.errors.Error")),
    ("init-log-after-finish", died("Run (a1) is finished. The call to `log` will be ignored.", USAGE)),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "found"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_job_that_died_of_it_names_the_cause(fault, found):
    assert {f.id for f in diagnose(found, init.RULES)} == {fault}


@pytest.mark.parametrize(
    "found",
    [
        evidence(),
        no_run(),
        died("user is not logged in"),
        died("returned error 401 Unauthorized"),
        died(OLD_TIMEOUT, troubles=(http("dial tcp: lookup x: no such host"),)),
        died(OLD_TIMEOUT, troubles=(http("bad gateway", 502),)),
        died("not here", troubles=(http("not found", 404),), job=job("wandb: ERROR not here", ending="failed")),
        died("No module named 'wandb.integration.x'", "ModuleNotFoundError"),
        died("[Errno 13] Permission denied: '/data'", "PermissionError", job=job("denied", ending="failed")),
        evidence(local=local(run_with_http(http("permission denied", 403), rows=3))),
    ],
)
def test_health_and_other_causes_are_silent(found):
    assert not hits(init.RULES, found)


def python(kind: str, location: str | None = None) -> JobPython:
    return JobPython(executable="/usr/bin/python3", wandb_kind=kind, wandb_location=location)  # type: ignore[arg-type]  # word


HIDDEN = died("module 'wandb' has no attribute 'init'", "AttributeError")


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("namespace_folder", "init-shadowed-by-folder"),
        ("missing", "init-shadowed-by-folder"),
        ("unknown", "init-shadowed-by-folder"),
        ("file", "init-shadowed-by-file"),
        ("package", "init-shadowed-by-folder"),
    ],
)
def test_what_stands_for_the_package_decides_folder_or_file(kind, fault):
    found = HIDDEN.model_copy(update={"setup": setup(python=python(kind, "/scratch/me/wandb"))})
    hit = hits(init.RULES, found)
    assert set(hit) == {fault}
    assert (kind in ("unknown", "missing")) == ("print(wandb.__file__)" in " ".join(hit[fault].observed))


def test_import_that_the_script_forgives_still_leaves_no_run():
    found = no_run(job=Job(ending="completed", exit_code=0, started_at=1.0), setup=setup(python=python("missing")))
    assert set(hits(init.RULES, found)) == {"init-not-installed"}
    assert not hits(init.RULES, not_started(setup=setup(python=python("missing"))))


@pytest.mark.parametrize(
    ("access", "fault"),
    [("forbidden", "init-entity-403"), ("read_only", "init-entity-403"), ("no_such_entity", "init-entity-404"),
     ("unknown", None), ("writable", None)],
)  # fmt: skip
def test_project_that_the_probe_found_closed(access, fault):
    found = hits(init.RULES, not_started(setup=setup(network=network(project_access=access, entity="other"))))
    assert set(found) == ({fault} if fault else set())
    assert all(h.values["target"] == "other/vit" for h in found.values())


@pytest.mark.parametrize(
    ("version", "said"), [("0.24.2", True), ("0.26.1", True), ("0.19.5", False), ("0.28.2", False)]
)
def test_hang_after_the_timeout_is_the_sdks_own(version, said):
    probed = JobPython(executable="python", wandb_version=version, wandb_kind="package")
    out = output(OLD_TIMEOUT, errors=(error(COMM, OLD_TIMEOUT),))
    stopped = Job(ending="timeout", output=out, stopped_by_harness="time limit of 60 s")
    found = hits(init.RULES, died(OLD_TIMEOUT, job=stopped, setup=setup(python=probed)))
    assert ("init-hang-after-timeout" in found) is said
    assert "init-timeout-generic" in found


def test_folder_that_was_replaced_by_a_temporary_one_is_a_warning():
    texts = (
        "wandb: WARNING Unable to create root directory /proc/nope",
        "wandb: WARNING Falling back to temporary directory /tmp.",
    )
    found = evidence(job=job(*texts), local=local(local_run(path="/tmp/wandb/run-1-a")))
    hit = hits(init.RULES, found)["init-dir-not-writable"]
    assert hit.severity == "warning"
    assert hit.values["folder"] == "/proc/nope"
    silent = evidence(
        local=local(local_run(path="/tmp/wandb/run-1-a")),
        setup=setup(place=Place(wandb_dir="/proc/nope", wandb_dir_writable=False)),
    )
    assert hits(init.RULES, silent)["init-dir-not-writable"].severity == "warning"


def test_full_disk_in_the_sdks_own_log():
    line = LogLine(file="debug-internal.log", level="ERROR", text="writer: write /x/a.wandb: no space left on device")
    hit = hits(init.RULES, evidence(local=local(run_with_http(rows=3, lines=(line,)))))["init-disk-quota"]
    assert hit.values["where"] == " (/x/a.wandb)"


BEFORE = "You must call wandb.init() before wandb.log()"


@pytest.mark.parametrize(
    ("rank", "ranks", "footer", "fault"),
    [
        (0, 2, True, "init-log-after-finish"),
        (None, 1, True, "init-log-after-finish"),
        (1, 2, True, "init-log-before-init"),
        (None, 2, True, "init-log-before-init"),
        (0, 2, False, "init-log-before-init"),
    ],
)
def test_same_text_after_finish_and_without_a_run(rank, ranks, footer, fault):
    texts = ("wandb: Run summary:",) if footer else ("wandb: Syncing run x",)
    out = output(*texts, BEFORE, errors=(error("wandb.errors.errors.Error", BEFORE, rank=rank, line=9),))
    found = evidence(job=Job(ending="failed", exit_code=1, output=out))
    asked = found.request.model_copy(update={"nproc": ranks})
    assert set(hits(init.RULES, found.model_copy(update={"request": asked}))) == {fault}


def test_summary_in_another_file_is_not_that_processs_own():
    raised = (error("wandb.errors.errors.Error", BEFORE, rank=0, line=2),)
    out = output("wandb: Run summary:", BEFORE, errors=raised, file_starts=(1, 2))
    found = evidence(job=Job(ending="failed", exit_code=1, output=out))
    assert set(hits(init.RULES, found)) == {"init-log-before-init"}


@pytest.mark.parametrize(
    ("fault", "text", "runs"),
    [
        ("init-env-changed-late", "wandb: WARNING Changes to your `wandb` environment variables will be ignored", 1),
        ("init-active-run-returned", "wandb.init() called while a run is active and reinit is set to", 1),
        ("init-active-run-returned", "wandb: Finishing last run (ID:a) before initializing another...", 2),
    ],
)  # fmt: skip
def test_warnings_come_from_what_the_sdk_says(fault, text, runs):
    several = server(*(server_run(id=f"r{n}") for n in range(runs)))
    assert set(hits(init.RULES, evidence(job=job(text), server=several))) == {fault}


def test_one_finished_run_before_the_next_is_no_fault():
    text = "wandb: Finishing last run (ID:a) before initializing another..."
    assert not hits(init.RULES, evidence(job=job(text)))


@pytest.mark.parametrize(("line", "said"), [(99, True), (1, False)])
def test_link_after_the_error_is_no_sign_of_a_run(line, said):
    link = RunLink(url="https://x/runs/a", entity="someone-else", project="vit", run_id="a", line=line)
    told = error(COMM, "failed to upsert bucket: returned error 403 Forbidden: {}", line=50)
    out = output(f"{COMM}: {told.message}", errors=(told,), links=(link,))
    found = hits(init.RULES, died("x", job=Job(ending="failed", exit_code=1, output=out)))
    assert ("init-entity-403" in found) is said


def test_a_stale_service_is_shown_with_the_variable_that_names_it():
    place = Place(variables={"WANDB_SERVICE": "2-1-tcp-localhost-4"})
    told = died("Failed to parse WANDB_SERVICE='2-1-tcp-localhost-4'", "ValueError")
    named = hits(init.RULES, told.model_copy(update={"setup": setup(place=place)}))["init-stale-wandb-service"]
    assert named.observed[-1] == "WANDB_SERVICE=2-1-tcp-localhost-4 is in the environment."
    bare = hits(init.RULES, told)["init-stale-wandb-service"]
    assert not any("in the environment" in line for line in bare.observed)


MINE = 'File "/scratch/me/wandb-demo/train.py", line 10, in <module>'
AGENT = 'File "/opt/venv/lib/python3.12/site-packages/wandb/agents/pyagent.py", line 1, in _run_job'
INSTALLED_BESIDE = 'File "/project/me/pkgs/wandb/sdk/wandb_init.py", line 1, in init'
EXISTS = ("FileExistsError", "[Errno 17] File exists: 'checkpoints'")


@pytest.mark.parametrize(
    ("raised", "frames", "faults"),
    [
        (EXISTS, (MINE,), set()),
        (EXISTS, (AGENT, MINE), set()),
        (EXISTS, (MINE, WANDB_FRAME), {"init-dir-not-writable"}),
        (EXISTS, (MINE, INSTALLED_BESIDE), {"init-dir-not-writable"}),
        (("PermissionError", "[Errno 13] Permission denied: '/x/wandb/run-1-a'"), (MINE,), {"init-dir-not-writable"}),
        (("PermissionError", "[Errno 13] Permission denied: '/x/wandb/checkpoints'"), (MINE,), set()),
        (("BrokenPipeError", "[Errno 32] Broken pipe"), (MINE,), set()),
        (("ConnectionRefusedError", "[Errno 111] Connection refused"), (MINE,), set()),
        (("ImportError", "cannot import name 'AfterValidator' from 'pydantic'"), (MINE,), set()),
    ],
)
def test_an_error_of_the_users_own_code_in_a_folder_named_after_wandb_is_none_of_the_sdk(raised, frames, faults):
    out = output(errors=(error(*raised, frames=frames, line=90),))
    place = Place(variables={"WANDB_SERVICE": "3-1-unix-/tmp/x"})
    found = died("", job=Job(ending="failed", exit_code=1, output=out), setup=setup(place=place))
    assert {f.id for f in diagnose(found, init.RULES)} == faults


QUIET = Job(ending="completed", exit_code=0, output=output("Epoch 1, Loss: 2.0"))
NEVER = setup(script_notes=(ScriptNote(kind="init_never_reached", line=7, text='if os.environ["RANK"] == 0:'),))


def test_an_init_behind_a_guard_that_is_never_true():
    silent = {"job": QUIET, "local": local(), "server": server(), "setup": NEVER}
    assert hits(init.RULES, evidence(**silent))["init-never-reached"].values == {"line": "7"}
    assert "init-never-reached" not in hits(init.RULES, evidence(**{**silent, "server": server(server_run())}))
    assert "init-never-reached" not in hits(init.RULES, evidence(**{**silent, "setup": setup()}))
