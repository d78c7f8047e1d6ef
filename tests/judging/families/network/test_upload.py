from __future__ import annotations

import pytest

from harness.evidence.models import Job, LogLine, Request, RunLink
from harness.judging.families.network import upload
from tests.judging.build import (
    disk_series,
    evidence,
    hits,
    http,
    job,
    lines,
    local,
    local_run,
    log,
    no_run,
    output,
    run_with_http,
    server,
    server_run,
)  # fmt: skip

STREAM = "/files/team/vit/abcd1234/file_stream"
WARNING = (
    "wandb: WARNING Fatal error while uploading data. Some run data will not be synced, but it will still be written "
    "to disk. Use `wandb sync` at the end of the run to try uploading."
)
FATAL = "filestream: fatal error: filestream: failed to upload: 403 Forbidden url=http://x/file_stream: {}"
PROGRESS = "wandb: uploading history steps 0-2, summary; updating run metadata"
UPLOADED = "wandb: 0.5 MB uploaded"
LINK = RunLink(url="https://x/runs/a", entity="team", project="vit", run_id="a", line=1)
RUNNING = server(server_run(state="running", rows=1))
REFUSED = "dial tcp 9.9.9.9:443: connect: connection refused"
LOST = 'Post "https://api.wandb.ai/files/x/file_stream": dial tcp 1.2.3.4:443: connect: connection refused'


def hung(*texts: str, **change):
    """A job that was stopped while its last line was still the SDK's."""
    out = output(*texts, tail=lines(*texts), links=(LINK,))
    return Job(**{"ending": "timeout", "exit_code": None, "output": out, **change})


@pytest.mark.parametrize(
    "found",
    [
        evidence(job=job(WARNING)),
        evidence(local=local(run_with_http(http("403 Forbidden", 403, STREAM, fatal=True), rows=3))),
        evidence(local=local(run_with_http(http("404 Not Found", 404, STREAM), rows=3))),
        evidence(local=local(run_with_http(rows=3, lines=(LogLine(file="debug-internal.log",
                                                                  text=FATAL),)))),
        evidence(job=job("wandb: ERROR Dropped streaming file chunk (see wandb/debug-internal.log)")),
    ],
)  # fmt: skip
def test_refused_stream_is_found_by_every_trace_of_it(found):
    assert set(hits(upload.RULES, found)) == {"net-filestream-4xx-fatal"}


def test_refused_stream_names_the_status():
    logged = LogLine(file="debug-internal.log", text=FATAL)
    hit = hits(upload.RULES, evidence(local=local(run_with_http(rows=3, lines=(logged,)))))
    assert hit["net-filestream-4xx-fatal"].values == {"status": "HTTP 403"}


@pytest.mark.parametrize(
    "trouble",
    [
        http("rate limit", 429, STREAM),
        http("rate limit", 429, STREAM, count=2),
        http("filestream: fatal error: context canceled", None, STREAM, fatal=True),
        http("giving up while retrying", None, STREAM, fatal=True),
        http("unexpected answer", None, STREAM),
        http("Request Timeout", 408, STREAM),
        http("bad gateway", 502, STREAM),
        http(LOST, None, STREAM),
        http("permission denied", 403, "/graphql"),
    ],
)
def test_trouble_that_passed_is_no_fault(trouble):
    assert not hits(upload.RULES, evidence(local=local(run_with_http(trouble, rows=3))))


REFUSALS = {
    "a status and no word": (
        http("", 403, STREAM), "HTTP 403", ("/files/team/vit/abcd1234/file_stream was answered with HTTP 403.",),
    ),
    "the lowest status": (http("Bad Request", 400, STREAM), "HTTP 400", ("Bad Request",)),
    "a status among the words": (http("404 Not Found: no run", None, STREAM), "HTTP 404", ("404 Not Found: no run",)),
    "given up without a status": (
        http("unexpected answer", None, STREAM, fatal=True), "a refusal", ("unexpected answer",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("trouble", "status", "told"), REFUSALS.values(), ids=REFUSALS)
def test_refusal_is_told_with_what_is_known_of_it(trouble, status, told):
    hit = hits(upload.RULES, evidence(local=local(run_with_http(trouble, rows=3))))["net-filestream-4xx-fatal"]
    assert hit.values == {"status": status}
    assert hit.observed == told


def test_many_answers_of_429_are_a_warning_and_an_error_where_the_upload_never_ended():
    slowed = local(run_with_http(http("Filestream rate limit exceeded", 429, STREAM, count=5), rows=3))
    hit = hits(upload.RULES, evidence(local=slowed))["net-429-filestream"]
    assert hit.severity is None
    assert hit.values == {"count": "5"}
    assert hit.observed == (f"{STREAM}: answered 429 5 times: Filestream rate limit exceeded",)
    assert hits(upload.RULES, evidence(local=slowed, server=RUNNING))["net-429-filestream"].severity is None
    stuck = evidence(job=hung(PROGRESS), local=slowed, server=RUNNING)
    assert hits(upload.RULES, stuck)["net-429-filestream"].severity == "error"


def test_three_answers_of_429_are_often_and_the_job_may_say_so_itself():
    line = "wandb: 429 encountered (Filestream rate limit exceeded, retrying in 2.1 seconds.), retrying request"
    hit = hits(upload.RULES, evidence(job=job(line, line, line)))["net-429-filestream"]
    assert hit.values == {"count": "3"}
    assert hit.observed == (line,)
    assert not hits(upload.RULES, evidence(job=job(line, line)))


@pytest.mark.parametrize("read", [RUNNING, server(status="failed")])
def test_connection_that_was_lost_after_init(read):
    lost = local(run_with_http(http(LOST, None, STREAM), rows=3))
    found = hits(upload.RULES, evidence(job=hung(PROGRESS), local=lost, server=read))
    assert found["net-lost-midrun"].values["peer"] == "1.2.3.4:443"


STOPPED = "stopped after 60 s without a sign of training"
SILENCE = 'Post "https://api.wandb.ai/files/x/file_stream": context deadline exceeded'


@pytest.mark.parametrize(
    ("found", "told", "peer"),
    [
        (evidence(server=RUNNING), (LOST,), "1.2.3.4:443"),
        (evidence(job=None, server=RUNNING), (LOST,), "1.2.3.4:443"),
        (evidence(job=hung(PROGRESS, stopped_by_harness=STOPPED)), (LOST, STOPPED), "1.2.3.4:443"),
        (evidence(), None, None),
    ],
)
def test_connection_is_lost_where_a_run_is_not_finished_or_its_job_waits(found, told, peer):
    lost = local(run_with_http(http("oops", 500, "/graphql"), http(LOST, None, STREAM), rows=3))
    hit = hits(upload.RULES, found.model_copy(update={"local": lost})).get("net-lost-midrun")
    assert (hit and hit.observed) == told
    assert (hit and hit.values["peer"]) == peer


def test_what_the_stream_met_comes_first():
    troubles = (http(REFUSED, None, "/graphql"), http(SILENCE, None, STREAM))
    found = evidence(local=local(run_with_http(*troubles, rows=3)), server=RUNNING)
    hit = hits(upload.RULES, found)["net-lost-midrun"]
    assert hit.observed == (SILENCE, REFUSED)
    assert hit.values["peer"] == "https://api.wandb.ai"


HANGS = {
    "the SDK's last words": (hung("Epoch 3, Loss: 0.1", UPLOADED, PROGRESS), (), (PROGRESS,), "no answer came"),
    "stopped by the harness": (
        hung(PROGRESS, stopped_by_harness=STOPPED), (http("oops", 500, STREAM),),
        (PROGRESS, STOPPED, "HTTP 500: oops"), "the server answers HTTP 500",
    ),
    "a failure that names its status": (
        hung(PROGRESS), (http("HTTP 500: oops", 500, STREAM),),
        (PROGRESS, "HTTP 500: oops"), "the server answers HTTP 500",
    ),
    "no answer": (hung(PROGRESS), (http(LOST, None, STREAM),), (PROGRESS, LOST), "no answer came"),
}  # fmt: skip


@pytest.mark.parametrize(("ended", "troubles", "told", "reason"), HANGS.values(), ids=HANGS)
def test_what_shows_that_the_upload_hung(ended, troubles, told, reason):
    hit = hits(upload.RULES, evidence(job=ended, local=local(run_with_http(*troubles, rows=3)), server=RUNNING))
    assert hit["net-finish-hang"].observed == told
    assert hit["net-finish-hang"].values == {"reason": reason}


def test_server_that_fails_while_finish_waits_is_a_hang():
    failing = local(run_with_http(http("injected", 500, STREAM), rows=3))
    found = hits(upload.RULES, evidence(job=hung(PROGRESS), local=failing, server=RUNNING))
    assert set(found) == {"net-finish-hang"}
    assert found["net-finish-hang"].values["reason"] == "the server answers HTTP 500"


def test_own_limit_of_finish_is_a_hang_too():
    found = hits(upload.RULES, evidence(job=job("wandb: WARNING Timed out finishing run."), server=RUNNING))
    assert set(found) == {"net-finish-hang"}


@pytest.mark.parametrize(
    "found",
    [
        evidence(job=hung("Epoch 3, Loss: 0.1"), server=RUNNING),
        evidence(job=hung(PROGRESS, "Epoch 3, Loss: 0.1"), server=RUNNING),
        evidence(job=hung(PROGRESS, "[rank1] waiting at the barrier", ending="failed")),
        no_run(job=hung(PROGRESS, "x", output=output("wandb: setting up run a"))),
    ],
)
def test_hang_elsewhere_is_not_the_uploads(found):
    assert "net-finish-hang" not in hits(upload.RULES, found)


@pytest.mark.parametrize(
    "found",
    [
        evidence(job=job("wandb: WARNING Skipped uploading run.log() data that exceeded size limit (11 > 10).")),
        evidence(local=local(run_with_http(rows=3, lines=(LogLine(
            file="debug-internal.log", text="filestream: run history line too long, skipping"),)))),
    ],
)  # fmt: skip
def test_row_that_is_too_big(found):
    assert set(hits(upload.RULES, found)) == {"net-line-too-big"}


@pytest.mark.parametrize(("logged", "values"), [(("x", 1), {"large": "a"}), (("x", "y"), {}), ((1, 2), {})])
def test_what_is_too_big_is_named_where_one_metric_alone_is_no_number(logged, values):
    series = {key: disk_series(key, [value]) for key, value in zip("ab", logged, strict=True)}
    told = job("wandb: WARNING Skipped uploading run.log() data that exceeded size limit (11 > 10).")
    found = evidence(job=told, local=local(local_run(log=log(series=series))))
    assert hits(upload.RULES, found)["net-line-too-big"].values == values


def test_healthy_run_is_silent():
    assert not hits(upload.RULES, evidence())


CANCELED = "filestream: fatal error: filestream: error: context canceled\nwhile retrying: HTTP 500: x"
GAVE_UP = LogLine(file="debug-internal.log", text=CANCELED)


@pytest.mark.parametrize(
    "change",
    [
        {"job": job(WARNING, "wandb: WARNING Timed out finishing run.")},
        {"job": job(WARNING), "local": local(run_with_http(rows=3, lines=(GAVE_UP,)))},
    ],
)
def test_warning_that_is_printed_where_finish_gave_up_is_no_refusal(change):
    assert set(hits(upload.RULES, evidence(server=RUNNING, **change))) == {"net-finish-hang"}


def test_upload_that_was_given_up_is_told_from_one_that_was_refused():
    refused = LogLine(file="debug-internal.log", text=FATAL)
    assert upload.gave_up_in(run_with_http(rows=3, lines=(refused, GAVE_UP)))
    assert not upload.gave_up_in(run_with_http(rows=3, lines=(refused,)))


def test_request_that_finish_gave_up_is_no_refusal():
    failing = run_with_http(http("oops", 500, STREAM, count=2), rows=3, lines=(GAVE_UP,))
    assert set(hits(upload.RULES, evidence(local=local(failing), server=RUNNING))) == {"net-finish-hang"}


@pytest.mark.parametrize(
    ("read", "deleted"),
    [
        (server(), ("The run is not on the server any more: it was deleted.",)),
        (server(server_run(rows=1)), ()),
        (server(status="failed"), ()),
        (server(status="not_asked"), ()),
    ],
)
def test_run_that_was_deleted_is_said_to_be(read, deleted):
    refused = local(run_with_http(http("404 Not Found", 404, STREAM, fatal=True), rows=3))
    hit = hits(upload.RULES, evidence(local=refused, server=read))["net-filestream-4xx-fatal"]
    assert hit.observed == ("404 Not Found", *deleted)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, True),
        ({"state": "crashed"}, True),
        ({"rows": 1}, False),
        ({"event_rows": 2}, False),
        ({"event_rows": None}, False),
        ({"state": "finished"}, False),
        ({"files": ("requirements.txt", "wandb-metadata.json")}, False),
        ({"detailed": False}, False),
    ],
)
def test_server_alone_tells_of_a_run_that_was_closed_and_not_heard(change, told):
    silent = {"state": "running", "rows": 0, "event_rows": 0, "console_lines": 0, "series": {}}
    files = ("config.yaml", "output.log", "wandb-summary.json")
    reading = server(server_run(**{**silent, "files": files, **change}))
    given = {"request": Request(source="run", server="real", target="none"), "job": None, "setup": None}
    found = hits(upload.RULES, evidence(**given, local=local(), server=reading))
    assert ("net-filestream-4xx-fatal" in found) == told
