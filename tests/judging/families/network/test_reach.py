from __future__ import annotations

import pytest

from harness.evidence.models import Job, ProbeStep, RunLink, SdkLogs, Trouble
from harness.judging.families.network.reach import (
    classify,
    init_succeeded,
    is_filestream,
    is_graphql,
    job_failures,
    main_failure,
    shorten,
)
from tests.judging.build import (
    error,
    evidence,
    http,
    job,
    local,
    local_run,
    log,
    network,
    no_run,
    output,
    run_with_http,
    server,
    setup,
)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("dial tcp: lookup api.wandb.ai on 10.0.0.1:53: no such host", "dns"),
        ("context deadline exceeded\nwhile retrying: dial tcp: lookup x on y: no such host", "dns"),
        ("name not resolved: Temporary failure in name resolution", "dns"),
        ("Timed out while retrying: dial tcp 127.0.0.1:1: connect: connection refused", "refused"),
        ("proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused", "refused"),
        ('Post "https://a/graphql": Proxy Authentication Required', "proxy"),
        ("x509: certificate signed by unknown authority", "tls"),
        ("certificate verify failed: unable to get local issuer certificate", "tls"),
        ("Could not find a suitable TLS CA certificate bundle, invalid path: /x", "ca_file"),
        ("Timed out while retrying: HTTP 429: slow down", "rate"),
        ("Timed out while retrying: HTTP 503: oops", "server"),
        ("read tcp 1.2.3.4:5->6.7.8.9:443: read: connection reset by peer", "reset"),
        ("dial tcp 1.2.3.4:443: i/o timeout", "timeout"),
        ("POST https://a/graphql giving up after 1 attempt(s): context deadline exceeded", "timeout"),
    ],
)
def test_words_tell_the_trouble(words, kind):
    found = classify(words)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("words", ["", "permission denied", "x509: certificate has expired", "HTTP 409: deleted"])
def test_other_words_tell_nothing(words):
    assert classify(words) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (407, "proxy"),
        (408, None),
        (429, "rate"),
        (430, None),
        (500, "server"),
        (599, "server"),
        (600, None),
        (403, None),
        (404, None),
    ],
)
def test_status_counts_more_than_words(status, kind):
    found = classify("no such host", status)
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Timed out while retrying: HTTP 429: slow down", 429),
        ("Timed out while retrying: HTTP 503: oops", 503),
        ("dial tcp 10.0.0.1:503: i/o timeout", None),
    ],
)
def test_status_is_read_from_words_that_speak_of_one(words, status):
    found = classify(words)
    assert found is not None
    assert found.status == status


@pytest.mark.parametrize(
    ("words", "url", "peer"),
    [
        ('Post "https://a.b:8/graphql": dial tcp: lookup a.b on 9.9.9.9:53: no such host', "https://a.b:8", "a.b"),
        ('Post "http://a/x": dial tcp 10.0.0.1:80: connect: connection refused', "http://a", "10.0.0.1:80"),
        ("proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused", None, "10.0.0.1:3128 (a proxy)"),
    ],
)
def test_server_and_peer_are_read_from_the_words(words, url, peer):
    found = classify(words)
    assert found is not None
    assert (found.url, found.peer) == (url, peer)


LINK = RunLink(url="https://x/runs/a", entity="team", project="vit", run_id="a", line=7)
FAILED = error("wandb.errors.errors.CommError", "no", line=5)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (evidence(), True),
        (no_run(), False),
        (no_run(job=Job(ending="failed", output=output("x", links=(LINK,)))), True),
        (no_run(job=Job(ending="failed", output=output("x", links=(LINK,), errors=(FAILED,)))), False),
        (no_run(job=Job(output=output("x", links=(LINK,), errors=(FAILED,), file_starts=(1, 6)))), True),
        (evidence(server=server(status="failed"), local=local(local_run(log=log(history_rows=2)))), True),
        (evidence(server=server(), local=local(local_run(log=log(history_rows=0)))), False),
    ],
)
def test_run_link_or_rows_prove_that_init_got_through(found, said):
    assert init_succeeded(found) is said


def test_long_words_are_cut_to_one_line():
    assert shorten("a\n b") == "a b"
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 297 + "..."


@pytest.mark.parametrize(
    ("path", "text", "graphql", "filestream"),
    [
        ("/graphql", "", True, False),
        ("/files/me/vit/abc/file_stream", "", False, True),
        ("", 'Post "https://a/graphql": EOF', True, False),
        ("", 'Post "https://a/files/me/vit/abc/file_stream": EOF', False, True),
        ("/healthz", "not the graphql of before, nor the file_stream", False, False),
    ],
)
def test_a_request_is_known_by_its_path_and_only_without_one_by_its_words(path, text, graphql, filestream):
    trouble = http(text, 500, path)
    assert is_graphql(trouble) is graphql
    assert is_filestream(trouble) is filestream


WAITED = ("W&B API key is configured", "Run initialization has timed out after 90.0 sec. Please try")
OLD_RUN = local(local_run(log=log(history_rows=0), sdk_logs=SdkLogs(sdk_version="0.19.5")))
UNANSWERED = {
    "an old SDK that was never answered": (WAITED, OLD_RUN, True),
    "it was answered something": (WAITED, local(run_with_http(http("permission denied", 403))), False),
    "its logs are not there": (WAITED, local(local_run(log=log(history_rows=0))), False),
    "it was told who logs in": (WAITED[1:], OLD_RUN, False),
    "it did not wait": (WAITED[:1], OLD_RUN, False),
}


@pytest.mark.parametrize(("words", "runs", "told"), UNANSWERED.values(), ids=UNANSWERED)
def test_timeout_of_an_old_sdk_whose_logs_hold_no_answer(words, runs, told):
    found = job_failures(no_run(job=job(*words, ending="failed"), local=runs))
    assert [failure.kind for failure in found] == (["timeout"] if told else [])


REFUSED_HERE = "Max retries exceeded with url: /x (Caused by NewConnectionError('Connection refused'))"
SDK_FRAME = 'File "/venv/lib/python3.11/site-packages/wandb/sdk/internal/internal_api.py", line 9, in gql'
OWN_FRAME = 'File "/scratch/fetch.py", line 3, in get'


@pytest.mark.parametrize(
    ("message", "frame", "told"),
    [
        (REFUSED_HERE, SDK_FRAME, True),
        (REFUSED_HERE.replace("/x", "/graphql"), OWN_FRAME, True),
        (REFUSED_HERE, OWN_FRAME, False),
    ],
)
def test_network_trouble_counts_where_it_is_the_sdks(message, frame, told):
    raised = error("requests.exceptions.ConnectionError", message, frames=(frame,))
    found = job_failures(no_run(job=Job(ending="failed", output=output("x", errors=(raised,)))))
    assert [failure.kind for failure in found] == (["refused"] if told else [])


NO_NAME = network(steps=(ProbeStep(name="dns", ok=False, trouble=Trouble(kind="dns", text="name not resolved")),))


@pytest.mark.parametrize(
    ("names", "ending", "told"),
    [((), "failed", True), (("base_url",), "failed", False), (("base_url",), "not_submitted", True)],
)
def test_the_probe_knows_nothing_of_a_server_that_the_script_names(names, ending, told):
    found = no_run(setup=setup(network=NO_NAME, script_names=names), job=Job(ending=ending))
    assert (main_failure(found) is not None) is told


def test_without_a_probe_nothing_is_said_of_the_way():
    assert main_failure(no_run(setup=None)) is None
