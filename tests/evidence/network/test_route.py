"""Proxies and certificates: chosen as the SDK's Go side chooses them, tried over real TLS and a real proxy."""

import os
import ssl
import time
from pathlib import Path

import pytest

from harness.evidence.network import probe as module
from harness.evidence.network.probe import probe_network
from harness.evidence.network.route import proxy_for, trust_for
from harness.loopback.server import LoopbackServer
from tests.evidence.wire import connect_proxy, free_port, make_certificate, raw_server, says, server_context, way_to

KEY = "0123456789abcdef0123456789abcdef01234567"
PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.01, 0.01))


@pytest.mark.parametrize(
    ("url", "env", "variable"),
    [
        ("https://api.wandb.ai", {}, None),
        ("https://api.wandb.ai", {"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ("https://api.wandb.ai", {"https_proxy": PROXY}, "https_proxy"),
        ("https://api.wandb.ai", {"HTTPS_PROXY": PROXY, "https_proxy": "http://other:1"}, "HTTPS_PROXY"),
        ("https://api.wandb.ai", {"HTTPS_PROXY": ""}, None),
        ("https://api.wandb.ai", {"HTTP_PROXY": PROXY}, None),
        ("https://api.wandb.ai", {"ALL_PROXY": PROXY}, None),
        ("http://wandb.example", {"HTTP_PROXY": PROXY}, "HTTP_PROXY"),
        ("http://wandb.example", {"HTTPS_PROXY": PROXY}, None),
        # Go never goes through a proxy to its own machine.
        ("http://localhost:8080", {"HTTP_PROXY": PROXY}, None),
        ("http://127.0.0.1:8080", {"HTTP_PROXY": PROXY}, None),
        ("http://127.1.2.3", {"HTTP_PROXY": PROXY}, None),
        ("http://[::1]:8080", {"HTTP_PROXY": PROXY}, None),
        # The SDK's own setting knows no exceptions.
        ("http://127.0.0.1:8080", {"WANDB_HTTP_PROXY": PROXY}, "WANDB_HTTP_PROXY"),
        ("https://api.wandb.ai", {"WANDB_HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, "WANDB_HTTPS_PROXY"),
    ],
)
def test_the_proxy_that_applies(url, env, variable):
    chosen = way_to(url, env, None, None, None).proxy
    assert (chosen.variable if chosen else None) == variable


@pytest.mark.parametrize(
    ("entry", "url", "excepted"),
    [
        ("*", "https://api.wandb.ai", True),
        ("wandb.ai", "https://api.wandb.ai", True),
        (".wandb.ai", "https://api.wandb.ai", True),
        ("*.wandb.ai", "https://api.wandb.ai", True),
        (".wandb.ai", "https://wandb.ai", False),
        ("andb.ai", "https://api.wandb.ai", False),
        ("a.example, api.wandb.ai ,b", "https://api.wandb.ai", True),
        ("API.WANDB.AI", "https://api.wandb.ai", True),
        ("api.wandb.ai:443", "https://api.wandb.ai", True),
        ("api.wandb.ai:8443", "https://api.wandb.ai", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("nonsense/99", "https://10.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("2.3", "https://10.1.2.3", False),
        ("", "https://api.wandb.ai", False),
        (",,", "https://api.wandb.ai", False),
        ("fd00::1", "https://[fd00::1]", True),
        ("[fd00::1]:443", "https://[fd00::1]", True),
    ],
)
def test_exceptions_from_the_proxy(entry, url, excepted):
    assert (proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": entry}) is None) is excepted


def test_a_proxy_is_shown_without_its_password():
    chosen = proxy_for("https://api.wandb.ai", {"HTTPS_PROXY": "me:hunter2hunter2@proxy.example:3128"})
    assert chosen.shown == "HTTPS_PROXY=http://proxy.example:3128"
    assert "hunter2" not in repr(chosen)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_is_not_there_is_told(variable):
    trust = trust_for({variable: "/nonexistent/ca.pem"}, tls=False)
    assert trust.bundle == "/nonexistent/ca.pem"
    assert trust.bundle_missing


def test_a_bundle_that_is_there_is_told(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    trust = trust_for({"SSL_CERT_FILE": str(tmp_path / "ca.pem")}, tls=False)
    assert trust.bundle == str(tmp_path / "ca.pem")
    assert not trust.bundle_missing
    assert trust.context is None


def test_a_missing_bundle_is_named_before_one_that_is_there(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    trust = trust_for({"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "REQUESTS_CA_BUNDLE": "/gone"}, tls=False)
    assert (trust.bundle, trust.bundle_missing) == ("/gone", True)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_server(certificate):
    with LoopbackServer(api_key=KEY, tls=server_context(*certificate)) as server:
        yield server


@pytest.fixture
def probe(tmp_path):
    def _probe(url, *, timeout_s=5.0, **env):
        env = {"HOME": str(tmp_path), **env}
        found = probe_network(way_to(url, env, KEY, None, "p"), env, timeout_s=timeout_s)
        assert KEY not in found.model_dump_json()
        return found

    return _probe


def names(found):
    return [(step.name, step.ok) for step in found.steps]


def test_a_certificate_of_an_unknown_authority(probe, tls_server):
    started = time.monotonic()
    found = probe(tls_server.url)
    assert names(found) == [("dns", True), ("tcp", True), ("tls", False)]
    assert found.steps[-1].trouble.kind == "tls"
    assert "self-signed" in found.steps[-1].trouble.text.replace(" ", "-")
    assert time.monotonic() - started < 15


def test_ssl_cert_file_makes_it_known(probe, tls_server, certificate):
    found = probe(tls_server.url, SSL_CERT_FILE=str(certificate[0]))
    assert names(found)[2:] == [("tls", True), ("http", True), ("viewer", True), ("project", True)]
    assert found.ca_bundle == str(certificate[0])


def test_ssl_cert_dir_makes_it_known(probe, tls_server, certificate):
    assert probe(tls_server.url, SSL_CERT_DIR=f"/nonexistent:{certificate[0].parent}").viewer


def test_requests_ca_bundle_does_not_help_the_go_side(probe, tls_server, certificate):
    found = probe(tls_server.url, REQUESTS_CA_BUNDLE=str(certificate[0]))
    assert names(found)[-1] == ("tls", False)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_checking_can_be_switched_off(probe, tls_server):
    assert probe(tls_server.url, WANDB_INSECURE_DISABLE_SSL="true").viewer


def test_a_certificate_for_another_name(probe, tmp_path):
    other, key = make_certificate(tmp_path, name="elsewhere.example")
    with LoopbackServer(api_key=KEY, tls=server_context(other, key)) as server:
        found = probe(server.url, SSL_CERT_FILE=str(other))
    assert found.steps[-1].trouble.kind == "tls"
    assert "mismatch" in found.steps[-1].trouble.text


def test_a_server_that_speaks_no_tls(probe):
    with raw_server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        found = probe(f"https://127.0.0.1:{port}")
    assert names(found)[-1] == ("tls", False)
    assert found.steps[-1].trouble.kind == "tls"


def test_a_server_that_never_shakes_hands(probe):
    with raw_server(lambda *_: time.sleep(5)) as port:
        found = probe(f"https://127.0.0.1:{port}", timeout_s=0.4)
    assert names(found)[-1] == ("tls", False)
    assert found.steps[-1].trouble.kind == "timeout"


def test_a_server_that_hangs_up_at_the_handshake(probe):
    with raw_server(says(b"")) as port:
        found = probe(f"https://127.0.0.1:{port}")
    assert names(found)[-1] == ("tls", False)


@pytest.fixture
def server():
    with LoopbackServer(api_key=KEY) as running:
        yield running


def test_through_a_proxy(probe, server):
    seen = []
    with connect_proxy(seen) as port:
        found = probe(server.url, WANDB_HTTP_PROXY=f"http://127.0.0.1:{port}")
    assert found.viewer
    assert found.proxies == (f"WANDB_HTTP_PROXY=http://127.0.0.1:{port}",)
    assert seen[0].startswith(b"POST http://127.0.0.1:")


def test_tls_through_a_proxy(probe, tls_server, certificate):
    seen = []
    with connect_proxy(seen) as port:
        found = probe(tls_server.url, WANDB_HTTPS_PROXY=f"http://127.0.0.1:{port}", SSL_CERT_FILE=str(certificate[0]))
        assert found.viewer
        unknown = probe(tls_server.url, WANDB_HTTPS_PROXY=f"http://127.0.0.1:{port}")
    assert seen[0].startswith(b"CONNECT 127.0.0.1:")
    assert names(unknown)[-1] == ("tls", False)
    assert unknown.steps[-1].trouble.kind == "tls"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(probe, server, tls_server, scheme):
    url = server.url if scheme == "http" else tls_server.url
    with connect_proxy([], wants=b"proxy-authorization: basic bWU6aHVudGVyMmh1bnRlcjI=") as port:
        variable = f"WANDB_{scheme.upper()}_PROXY"
        refused = probe(url, **{variable: f"http://127.0.0.1:{port}"})
        let_in = probe(
            url,
            WANDB_INSECURE_DISABLE_SSL="true",
            **{variable: f"http://me:hunter2hunter2@127.0.0.1:{port}"},
        )
        by_header = probe(
            url,
            WANDB_INSECURE_DISABLE_SSL="true",
            WANDB_X_EXTRA_HTTP_HEADERS='{"Proxy-Authorization": "Basic bWU6aHVudGVyMmh1bnRlcjI="}',
            **{variable: f"http://127.0.0.1:{port}"},
        )
    assert names(refused)[-1] == ("http", False)
    assert (refused.steps[-1].trouble.kind, refused.steps[-1].trouble.http_status) == ("proxy", 407)
    assert let_in.viewer
    assert by_header.viewer
    assert "hunter2" not in let_in.model_dump_json()


def test_a_proxy_that_is_not_there(probe):
    port = free_port()
    found = probe("https://api.wandb.ai", HTTPS_PROXY=f"http://127.0.0.1:{port}")
    assert names(found) == [("dns", True), ("tcp", False)]
    assert found.steps[-1].trouble.kind == "proxy"
    assert str(port) in found.steps[-1].trouble.where


def test_a_proxy_whose_name_does_not_resolve(probe):
    found = probe("https://api.wandb.ai", HTTPS_PROXY="http://nonexistent.invalid:3128")
    assert names(found) == [("dns", False)]
    assert "nonexistent.invalid" in found.steps[0].trouble.where


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:{port}", "nonsense://127.0.0.1:{port}"])
def test_a_proxy_of_another_kind_is_typed_trouble(probe, address):
    with raw_server(says(b"")) as port:
        found = probe("https://api.wandb.ai", HTTPS_PROXY=address.format(port=port))
    assert names(found)[-1] == ("http", False)


@pytest.mark.parametrize("address", ["http://[", "http://:0", "::::"])
def test_a_proxy_address_that_is_none(probe, address):
    found = probe("https://api.wandb.ai", HTTPS_PROXY=address)
    assert not found.steps[-1].ok
    assert found.steps[-1].trouble.kind in {"dns", "proxy", "other", "refused"}


def test_the_surroundings_of_the_harness_do_not_leak_in(probe, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("WANDB_HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    found = probe(server.url)
    assert found.viewer
    assert found.proxies == ()
    assert found.ca_bundle is None


def test_system_certificates_are_loaded_as_go_does():
    context = trust_for({}, tls=True).context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_no_connection_is_left_open(probe, server):
    for _ in range(3):
        probe(server.url)
    before = len(_sockets())
    for _ in range(10):
        probe(server.url)
    assert len(_sockets()) <= before + 1


def _sockets():
    import gc

    gc.collect()
    links = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    return [link for link in links if "socket:" in link]
