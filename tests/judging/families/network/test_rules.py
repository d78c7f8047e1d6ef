from __future__ import annotations

import pytest

from harness.evidence.models import (
    Evidence,
    Job,
    Login,
    Network,
    Place,
    ProbeStep,
    RankSeen,
    Request,
    RunLink,
    Trouble,
)
from harness.judging.families.network import rules as network
from tests.judging.build import (
    error,
    evidence,
    hits,
    http,
    job,
    local,
    no_run,
    not_started,
    output,
    run_with_http,
    server,
    setup,
)
from tests.judging.build import network as healthy_network

URL = "https://api.wandb.ai/graphql"
NO_HOST = f'Post "{URL}": dial tcp: lookup api.wandb.ai on 10.1.1.1:53: no such host'
REFUSED = 'Post "http://127.0.0.1:1/graphql": dial tcp 127.0.0.1:1: connect: connection refused'
UNKNOWN_CA = f'Post "{URL}": tls: failed to verify certificate: x509: certificate signed by unknown authority'
DEADLINE = f"Timed out initializing run: POST {URL} giving up after 1 attempt(s): context deadline exceeded"
OLD_TIMEOUT = "Run initialization has timed out after 90.0 sec. Please try increasing the timeout"
COMM = "wandb.errors.errors.CommError"


def probe(step: str, kind: str, text: str, status: int | None = None, where: str = "api.wandb.ai:443") -> Network:
    order = ("dns", "tcp", "tls", "http", "viewer")
    good = tuple(ProbeStep(name=n, ok=True) for n in order[: order.index(step)])  # type: ignore[arg-type]  # names
    bad = ProbeStep(name=step, ok=False, trouble=Trouble(kind=kind, text=text, http_status=status, where=where))  # type: ignore[arg-type]
    return healthy_network(steps=(*good, bad), viewer=None, project_access="unknown")


PROBES = {
    "net-dns-failure": probe("dns", "dns", "name not resolved: Name or service not known"),
    "net-connection-refused": probe("tcp", "refused", "connection refused", where="127.0.0.1:1"),
    "net-timeout-blackhole": probe("tcp", "timeout", "no answer in time"),
    "net-tls-unknown-ca": probe("tls", "tls", "certificate verify failed: self-signed certificate"),
    "net-proxy-auth-407": probe("http", "proxy", "Proxy Authentication Required", 407),
    "net-server-5xx": probe("http", "http", "Bad Gateway", 502),
    "net-429-init": probe("http", "http", "rate limit exceeded", 429),
}


@pytest.mark.parametrize("fault", PROBES)
def test_probe_that_fails_names_the_cause(fault):
    assert set(hits(network.RULES, not_started(setup=setup(network=PROBES[fault])))) == {fault}


@pytest.mark.parametrize(
    "net",
    [
        healthy_network(),
        probe("viewer", "auth", "user is not logged in", 401),
        probe("tls", "tls", "certificate verify failed: certificate has expired"),
        probe("http", "http", "Not Found", 404),
        probe("tcp", "reset", "connection reset"),
    ],
)
def test_probe_without_such_a_cause_is_silent(net):
    assert not hits(network.RULES, not_started(setup=setup(network=net)))


def failed_init(message: str, *troubles, exception: str = COMM, **change) -> Evidence:
    """A job whose wandb.init() raised; the SDK's logs hold these requests."""
    told = error(exception, message, frames=('File "wandb/sdk/wandb_init.py", line 966, in init',))
    given = {"job": Job(ending="failed", exit_code=1, output=output(f"wandb: ERROR {message}", errors=(told,)))}
    return evidence(**{**given, "local": local(run_with_http(*troubles)), "server": server(), **change})


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("net-dns-failure", failed_init(f"Timed out while retrying: {NO_HOST}", http(NO_HOST))),
        ("net-dns-failure", failed_init(DEADLINE, http(NO_HOST, count=2))),
        ("net-dns-failure", failed_init(OLD_TIMEOUT, http(NO_HOST))),
        ("net-dns-failure", failed_init(f"Timed out while retrying: {NO_HOST}", local=local())),
        ("net-connection-refused", failed_init(f"Timed out while retrying: {REFUSED}", http(REFUSED))),
        ("net-connection-refused", failed_init(OLD_TIMEOUT, http(REFUSED))),
        ("net-timeout-blackhole", failed_init(OLD_TIMEOUT, http("dial tcp 35.1.1.1:443: i/o timeout"))),
        ("net-timeout-blackhole", failed_init(DEADLINE)),
        ("net-tls-unknown-ca", failed_init(f"Error initializing run: POST {URL} giving up: {UNKNOWN_CA}")),
        ("net-proxy-auth-407", failed_init(OLD_TIMEOUT, http(f'Post "{URL}": Proxy Authentication Required'))),
        ("net-server-5xx", failed_init("Timed out while retrying: HTTP 500: internal server error")),
        ("net-server-5xx", failed_init(OLD_TIMEOUT, http("injected", 502))),
        ("net-429-init", failed_init("Timed out while retrying: HTTP 429: rate limit exceeded")),
        ("net-429-init", failed_init(OLD_TIMEOUT, http("rate limit exceeded", 429))),
        (
            "net-ca-bundle-missing",
            failed_init("suitable TLS CA certificate bundle, invalid path: /nope", exception="OSError"),
        ),
    ],
)  # fmt: skip
def test_init_that_failed_in_the_job_names_the_cause(fault, found):
    assert set(hits(network.RULES, found)) == {fault}


LINK = RunLink(url="https://x/runs/a", entity="team", project="vit", run_id="a", line=1)


@pytest.mark.parametrize(
    "found",
    [
        evidence(),
        evidence(local=local(run_with_http(http(NO_HOST), rows=3))),
        evidence(local=local(run_with_http(http("injected", 502), rows=3))),
        failed_init("permission denied", http("permission denied", 403)),
        failed_init(OLD_TIMEOUT, http("read tcp 10.0.0.1:5->35.1.1.1:443: read: connection reset by peer")),
        failed_init("Timed out while retrying: HTTP 409: run a/b/c was previously created and deleted"),
        failed_init(OLD_TIMEOUT),
        failed_init(DEADLINE, local=local()),
        no_run(job=job(f"wandb: ERROR {DEADLINE}", ending="failed")),
        failed_init("download failed: Connection refused", exception="requests.exceptions.ConnectionError",
                    job=job("Connection refused", ending="failed")),
        failed_init("", job=Job(ending="failed", exit_code=1, output=output(errors=(error(
            "requests.exceptions.ConnectionError", REFUSED.replace("graphql", "x"),
            frames=('File "/scratch/wandb-demo/fetch.py", line 3, in get',)),)))),
    ],
)  # fmt: skip
def test_other_causes_and_recovered_retries_are_silent(found):
    assert not hits(network.RULES, found)


def test_slow_answer_after_a_login_is_no_black_hole():
    message = error(COMM, DEADLINE, frames=("File wandb_init.py",))
    out = output(DEADLINE, errors=(message,), logins=(Login(username="me", line=1),))
    found = failed_init(DEADLINE, job=Job(ending="failed", exit_code=1, output=out))
    assert not hits(network.RULES, found)


def test_job_that_uses_another_server_counts_more_than_the_probe():
    found = failed_init(f"Timed out while retrying: {REFUSED}", http(REFUSED))
    hit = hits(network.RULES, found)["net-connection-refused"]
    assert hit.values["base_url"] == "http://127.0.0.1:1"
    assert "The job asked http://127.0.0.1:1; the settings here say https://api.wandb.ai." in hit.observed


ON_A_NODE = Job(
    ending="failed", exit_code=1,
    output=output(OLD_TIMEOUT, ranks=(RankSeen(rank=0, world_size=8, host="nid005001"),)),
)  # fmt: skip
NO_ANSWER = "dial tcp 35.1.1.1:443: i/o timeout"
ANSWERED = "https://api.wandb.ai answered the harness before the job started."
OBSERVED = {
    "the probe's words": (not_started(setup=setup(network=PROBES["net-dns-failure"])), (
        "name not resolved: Name or service not known (api.wandb.ai:443)",
    )),
    "the probe's status": (not_started(setup=setup(network=PROBES["net-server-5xx"])), (
        "HTTP 502: Bad Gateway (api.wandb.ai:443)",
    )),
    "the probe's status, said already": (
        not_started(setup=setup(network=probe("http", "http", "HTTP 502 Bad Gateway", 502, where=""))), (
        "HTTP 502 Bad Gateway",
    )),
    "the job was not answered, the harness was": (failed_init(OLD_TIMEOUT, http(NO_ANSWER)), (NO_ANSWER, ANSWERED)),
    "the same server": (failed_init(OLD_TIMEOUT, http(NO_HOST)), (NO_HOST, ANSWERED)),
    "neither was answered": (
        failed_init(OLD_TIMEOUT, http(NO_HOST), setup=setup(network=PROBES["net-dns-failure"])), (NO_HOST,),
    ),
    "nobody probed": (
        failed_init(OLD_TIMEOUT, http(NO_HOST), setup=setup(network=healthy_network(steps=()))), (NO_HOST,),
    ),
    "a folder alone": (failed_init(OLD_TIMEOUT, http(NO_HOST), setup=None, job=None), (NO_HOST,)),
    "the job's status": (failed_init("Timed out while retrying: HTTP 500: internal server error"), (
        f"{COMM}: Timed out while retrying: HTTP 500: internal server error",
        "wandb: ERROR Timed out while retrying: HTTP 500: internal server error", ANSWERED,
    )),
    "an old SDK that was never answered": (
        failed_init(OLD_TIMEOUT, job=job("W&B API key is configured", OLD_TIMEOUT, ending="failed")),
        (f"{OLD_TIMEOUT} No request was answered.", ANSWERED),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "observed"), OBSERVED.values(), ids=OBSERVED)
def test_what_was_seen(found, observed):
    assert [hit.observed for hit in hits(network.RULES, found).values()] == [observed]


ADVICE = {
    "a server of one's own": (
        probe("tcp", "timeout", "no answer in time", where="wb.example.org:443"), "peer", "wb.example.org",
    ),
    "its address": (probe("tcp", "timeout", "no answer in time", where=""), "base_url", "https://wb.example.org"),
    "its host": (probe("tcp", "timeout", "no answer in time", where=""), "host", "wb.example.org"),
    "what answered": (probe("http", "http", "Bad Gateway", 502), "status", "HTTP 502"),
    "where nothing answered": (probe("tcp", "timeout", "no answer in time"), "status", "an error"),
    "the proxies": (
        probe("http", "proxy", "Proxy Authentication Required", 407).model_copy(
            update={"proxies": ("http://p:3128", "http://q:3128")}
        ),
        "proxy", "http://p:3128, http://q:3128",
    ),
    "an unknown proxy": (
        probe("http", "proxy", "Proxy Authentication Required", 407), "proxy", "that the environment names",
    ),
    "a refused port": (
        probe("tcp", "refused", "connection refused", where="127.0.0.1:1"), "peer", "127.0.0.1:1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("net", "name", "value"), ADVICE.values(), ids=ADVICE)
def test_advice_names_what_was_asked(net, name, value):
    asked = net.model_copy(update={"base_url": "https://wb.example.org"})
    (hit,) = hits(network.RULES, not_started(setup=setup(network=asked))).values()
    assert hit.values[name] == value


def test_dead_proxy_is_named_in_place_of_the_server():
    words = f'Post "{URL}": proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused'
    hit = hits(network.RULES, failed_init(f"Timed out while retrying: {words}"))["net-connection-refused"]
    assert hit.values["peer"] == "10.0.0.1:3128 (a proxy)"


@pytest.mark.parametrize(
    ("variable", "fault"),
    [
        ("SSL_CERT_FILE", "net-ca-bundle-missing"),
        ("REQUESTS_CA_BUNDLE", "net-tls-unknown-ca"),
        (None, "net-ca-bundle-missing"),
    ],
)
def test_missing_certificate_file_counts_where_the_sdk_reads_it(variable, fault):
    net = PROBES["net-tls-unknown-ca"].model_copy(update={"ca_bundle": "/nope", "ca_bundle_missing": True})
    place = Place(host="nid005001", variables={variable: "/nope"} if variable else {})
    found = hits(network.RULES, not_started(setup=setup(network=net, place=place)))
    assert set(found) == {fault}
    assert found[fault].values["ca_bundle"] == "/nope"
    assert found[fault].values["ca_variable"] == (variable or "SSL_CERT_FILE")


SILENT_SERVER = {
    "a compute node": ({"job": ON_A_NODE}, "net-lumi-egress-down"),
    "a compute node, by the job's output alone": ({"job": ON_A_NODE, "setup": None}, "net-lumi-egress-down"),
    "a compute node and the public server's other address": (
        {"job": ON_A_NODE, "setup": setup(network=healthy_network(base_url="https://api.forge.coreweave.com"))},
        "net-lumi-egress-down",
    ),
    "a compute node and a server of one's own": (
        {"job": ON_A_NODE, "setup": setup(network=healthy_network(base_url="https://wb.example.org"))},
        "net-timeout-blackhole",
    ),
    "a server that does not answer the login node either": (
        {"job": ON_A_NODE, "setup": setup(network=PROBES["net-timeout-blackhole"])}, "net-timeout-blackhole",
    ),
    "another machine": ({"job": job(OLD_TIMEOUT, ending="failed")}, "net-timeout-blackhole"),
    "a folder alone": ({"job": None, "setup": None}, "net-timeout-blackhole"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), SILENT_SERVER.values(), ids=SILENT_SERVER)
def test_no_way_out_of_lumi_compute_nodes_is_told_from_a_silent_server(change, fault):
    assert set(hits(network.RULES, failed_init(OLD_TIMEOUT, http(NO_ANSWER), **change))) == {fault}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Failed to verify credentials with https://a.b: the service process is busy and did not respond.", True),
        ("Failed to verify credentials with https://a.b: user is not logged in", False),
    ],
)
def test_network_trouble_that_the_sdk_calls_authentication(words, said):
    reading = server(status="failed", trouble=Trouble(kind="auth", text=words))
    assert ("net-api-misreported-as-auth" in hits(network.RULES, evidence(server=reading))) is said
    raised = (error("wandb.errors.errors.AuthenticationError", words),)
    job_found = no_run(job=Job(ending="failed", exit_code=1, output=output(words, errors=raised)))
    assert ("net-api-misreported-as-auth" in hits(network.RULES, job_found)) is said


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, "team/vit/a"),
        ({"job": job()}, "ENTITY/PROJECT/RUN_ID"),
        ({"job": None}, "ENTITY/PROJECT/RUN_ID"),
        ({"request": Request(source="run", server="real", target="none", run_path="team/vit/b")}, "team/vit/b"),
    ],
)
def test_run_to_read_again_once_the_network_is_there(change, path):
    words = "Failed to verify credentials with https://a.b: the service process is busy and did not respond."
    reading = server(status="failed", trouble=Trouble(kind="auth", text=words))
    announced = job(output=output("x", links=(LINK,)))
    found = hits(network.RULES, evidence(**{"server": reading, "job": announced, **change}))
    assert found["net-api-misreported-as-auth"].values == {"run_path": path}


def test_retry_that_got_through_is_information():
    line = f'wandb: retrying: Post "{URL}": dial tcp'
    assert set(hits(network.RULES, evidence(job=job(line)))) == {"net-retry-inner-status"}
    assert not hits(network.RULES, no_run(job=job(line, ending="failed")))
