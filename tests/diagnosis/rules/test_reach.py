from __future__ import annotations

import pytest

from harness.diagnosis.rules.reach import classify, init_succeeded, is_filestream, is_graphql, shorten
from harness.evidence.models import Job, RunLink
from tests.diagnosis.build import error, evidence, http, local, local_run, log, no_run, output, server


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
        (403, None),
        (404, None),
    ],
)
def test_status_counts_more_than_words(status, kind):
    found = classify("no such host", status)
    assert (found.kind if found else None) == kind


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
    assert len(shorten("x" * 500)) == 300


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
