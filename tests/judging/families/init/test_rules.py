"""Rules of the family init: a job that died of it names the cause, and what it tells of it is what was seen."""

from __future__ import annotations

import pytest

from harness.evidence.models import Job, JobPython, LogLine, RunLink, SdkLogs, Viewer
from harness.judging.families.init import rules as init
from harness.judging.findings import diagnose
from tests.judging.build import (
    error,
    evidence,
    hits,
    http,
    job,
    leading,
    local,
    local_run,
    log,
    network,
    no_run,
    not_started,
    output,
    refused,
    run_with_http,
    setup,
)  # fmt: skip
from tests.judging.endings import COMM, OLD_TIMEOUT, died

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
    assert leading(found, init.RULES) == [fault]


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
    ("version", "said"),
    [("0.24.2", True), ("0.26.1", True), ("0.20.0", True), ("0.19.11", False), ("0.19.5", False), ("0.28.2", False)],
)
def test_hang_after_the_timeout_is_the_sdks_own(version, said):
    probed = JobPython(executable="python", wandb_version=version, wandb_kind="package")
    out = output(OLD_TIMEOUT, errors=(error(COMM, OLD_TIMEOUT),))
    stopped = Job(ending="timeout", output=out, stopped_by_harness="time limit of 60 s")
    found = hits(init.RULES, died(OLD_TIMEOUT, job=stopped, setup=setup(python=probed)))
    assert ("init-hang-after-timeout" in found) is said
    assert "init-timeout-generic" in found


@pytest.mark.parametrize(("line", "said"), [(99, True), (1, False)])
def test_link_after_the_error_is_no_sign_of_a_run(line, said):
    link = RunLink(url="https://x/runs/a", entity="someone-else", project="vit", run_id="a", line=line)
    told = error(COMM, "failed to upsert bucket: returned error 403 Forbidden: {}", line=50)
    out = output(f"{COMM}: {told.message}", errors=(told,), links=(link,))
    found = hits(init.RULES, died("x", job=Job(ending="failed", exit_code=1, output=out)))
    assert ("init-entity-403" in found) is said


PROBED = setup(python=JobPython(executable="python", wandb_version="0.26.1", wandb_kind="package"))


@pytest.mark.parametrize(
    ("ended", "end"),
    [
        ({"ending": "timeout"}, "The job ran until it was stopped."),
        ({"ending": "cancelled"}, "The job ran until it was stopped."),
        ({"ending": "interrupted", "stopped_by_harness": "it stood still for 60 s"}, "it stood still for 60 s"),
        ({"ending": "failed", "exit_code": 1}, None),
    ],
    ids=["by Slurm's limit", "by hand", "by the harness", "it ended by itself"],
)
def test_only_a_job_that_had_to_be_stopped_hung(ended, end):
    printed = output(OLD_TIMEOUT, errors=(error(COMM, OLD_TIMEOUT),))
    found = hits(init.RULES, died(OLD_TIMEOUT, job=Job(output=printed, **ended), setup=PROBED))
    hang = [hit.observed[1] for fault, hit in found.items() if fault == "init-hang-after-timeout"]
    assert hang == ([end] if end else [])


RETRIED = LogLine(file="debug-internal.log", text="api: retrying HTTP request")
UNREAD = "The SDK's debug-internal.log was not read; it would tell the cause."


@pytest.mark.parametrize(
    ("sdk_logs", "told"),
    [
        (None, (UNREAD,)),
        (SdkLogs(), (UNREAD,)),
        (SdkLogs(sdk_version="0.31.0"), ()),
        (SdkLogs(lines=(RETRIED,)), ("debug-internal.log: api: retrying HTTP request",)),
        (SdkLogs(http=(http("not found", 404, "/healthz"),)), ()),
    ],
    ids=["no run directory", "nothing in its logs", "a quiet log", "lines of the log", "requests in the log"],
)
def test_a_timeout_says_where_its_cause_would_be_told(sdk_logs, told):
    empty = log(status="header_only", size_bytes=7, run=None, history_rows=0)
    reading = local(local_run(log=empty, sdk_logs=sdk_logs)) if sdk_logs else local()
    hit = hits(init.RULES, died(OLD_TIMEOUT, local=reading))["init-timeout-generic"]
    assert hit.observed == (f"{COMM}: {OLD_TIMEOUT}", *told)


@pytest.mark.parametrize(
    ("trouble", "fault", "line"),
    [
        (http("team is closed", 403), "init-entity-403", "/graphql answered HTTP 403: team is closed"),
        (
            http("POST https://api.wandb.ai/graphql: permission denied", 403, ""),
            "init-entity-403",
            "the server answered HTTP 403: POST https://api.wandb.ai/graphql: permission denied",
        ),
        (
            http("entity nobody not found", 404),
            "init-entity-404",
            "/graphql answered HTTP 404: entity nobody not found",
        ),
    ],
)
def test_what_the_server_answered_is_told(trouble, fault, line):
    """The words of the exception alone tell nothing here."""
    assert hits(init.RULES, died("it failed", troubles=(trouble,)))[fault].observed == (line,)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (refused("project", "permission", "permission denied", 403), "permission denied"),
        (network(), "read only"),
    ],
    ids=["in the server's words", "without a word"],
)
def test_how_the_server_closed_the_project_is_told(refusal, words):
    access = refusal.model_copy(update={"project_access": "read_only"})
    hit = hits(init.RULES, not_started(setup=setup(network=access)))["init-entity-403"]
    assert hit.observed == (f"The server says of this project: {words}.",)


ASKED_FOR = local_run(log=log(history_rows=0), sdk_logs=SdkLogs(settings={"entity": "theirs", "project": "other"}))
NAMELESS = ASKED_FOR.model_copy(update={"log": log(run=None, history_rows=0)})


@pytest.mark.parametrize(
    ("runs", "way", "target", "admin_of"),
    [
        ((ASKED_FOR,), network(), "team/vit", "team"),
        ((NAMELESS,), network(), "theirs/other", "theirs"),
        ((), network(entity="mine", project="p"), "mine/p", "mine"),
        ((), network(entity=None, project="p"), "p", "<entity>"),
        ((), network(entity=None, project=None, viewer=None), "this project", "<entity>"),
    ],
    ids=["by its log", "by its settings", "by its surroundings", "no entity is named", "nothing is named"],
)
def test_where_the_key_may_not_write_is_named(runs, way, target, admin_of):
    way = way.model_copy(update={"viewer": way.viewer and Viewer(username="me")})
    found = died("permission denied", local=local(*runs), setup=setup(network=way))
    (finding,) = diagnose(found, init.RULES)
    assert finding.title == f"The key has no permission to write to {target}"
    assert any(f"ask an admin of {admin_of} in these words" in advice for advice in finding.advice)


@pytest.mark.parametrize(
    ("words", "fault", "title"),
    [
        ("entity nobody not found during upsertBucket", "init-entity-404",
         "The server has no user or team named nobody"),
        ("run me/p/a1 was previously created and deleted", "init-deleted-run-id",
         "The run id was used before, and that run was deleted: me/p/a1"),
        ("HTTP 409: it was previously created and deleted", "init-deleted-run-id",
         "The run id was used before, and that run was deleted"),
    ],
)  # fmt: skip
def test_what_the_server_names_is_named(words, fault, title):
    (finding,) = diagnose(died(words), init.RULES)
    assert (finding.id, finding.title) == (fault, title)


def test_an_entity_that_the_answer_does_not_name_is_that_of_the_run():
    run = run_with_http(http("upsertBucket: there is no such entity", 404))
    asked_for = run.model_copy(update={"sdk_logs": run.sdk_logs.model_copy(update={"settings": {"entity": "theirs"}})})
    (finding,) = diagnose(died("it failed", local=local(asked_for)), init.RULES)
    assert finding.title == "The server has no user or team named theirs"
