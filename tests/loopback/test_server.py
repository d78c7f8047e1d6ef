"""The server itself: where it listens, what it accepts, what it remembers, how it ends."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness.loopback import messages
from harness.loopback.handler import Handler
from harness.loopback.server import LoopbackServer, serve
from tests.loopback.conftest import Client

VIEWER = "query Viewer { viewer { username } }"


def test_health_and_the_page_for_people(client: Client) -> None:
    client.key = ""
    assert client.request("GET", "/healthz").body == b"ok\n"
    assert client.request("GET", "/ready").status == 200
    for path in ("/", "/authorize"):
        assert b"not Weights" in client.request("GET", path).body
    assert client.request("HEAD", "/").body == b""
    assert client.request("GET", "/nothing").status == 404
    assert client.request("POST", "/files/a/b").status == 404


def test_it_listens_on_the_loopback_address_only(server: LoopbackServer) -> None:
    assert server._http.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert server.environment() == {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.api_key}


def test_a_taken_port_is_an_error(server: LoopbackServer) -> None:
    with pytest.raises(OSError, match="in use"):
        LoopbackServer(server.port)


def test_it_forgets_nothing_but_secrets(client: Client) -> None:
    client.upsert()
    client.stream(complete=True, exitcode=0)
    first, second = client.server.requests
    assert (first.method, first.path, first.operation, first.status) == ("POST", "/graphql", "UpsertBucket", 200)
    assert first.user_agent == "wandb-core"
    assert first.body_bytes > 100
    assert first.duration_s >= 0
    assert second.path == "/files/loopback/p/run1/file_stream"
    assert client.server.api_key not in repr(client.server.requests)
    client.server.forget_requests()
    assert client.server.requests == []


def test_one_connection_serves_many_requests(server: LoopbackServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
    connection.close()


def test_gzip_bodies_within_limits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = client.post("/graphql", {"query": VIEWER}, {"Content-Encoding": "gzip"})
    assert reply.json["data"]["viewer"]["username"] == "loopback-user"
    monkeypatch.setattr(messages, "MAX_JSON_BYTES", 10_000)
    bomb = gzip.compress(b" " * 10_001)
    assert client.request("POST", "/graphql", bomb, {"Content-Encoding": "gzip"}).status == 413
    assert client.request("POST", "/graphql", b"nonsense", {"Content-Encoding": "gzip"}).status == 400
    assert client.request("POST", "/graphql", bomb[:-20], {"Content-Encoding": "gzip"}).status in (400, 413)


def raw(server: LoopbackServer, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Content-Length: 99999999999", 413),
        ("Content-Length: -1", 400),
        ("Content-Length: x", 400),
        ("Transfer-Encoding: chunked\r\n\r\nzz", 400),
        ("Transfer-Encoding: chunked\r\n\r\nffffffffff", 413),
    ],
)
def test_bodies_are_bounded(server: LoopbackServer, headers: str, status: int) -> None:
    answer = raw(server, f"POST /graphql HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_chunked_bodies(server: LoopbackServer) -> None:
    body = json.dumps({"query": VIEWER}).encode()
    chunks = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    answer = raw(server, b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_half_a_request_does_no_harm(server: LoopbackServer) -> None:
    assert raw(server, b"POST /graphql HTTP/1.1\r\nContent-Length: 10\r\n\r\n{") == b""
    assert b"400" in raw(server, b"\x16\x03\x01 nonsense\r\n\r\n")
    assert Client(server).request("GET", "/healthz").status == 200


def test_a_hostile_host_header_does_not_reach_links(client: Client) -> None:
    client.upsert()
    query = 'mutation C { createRunFiles(input: {entityName: "loopback", projectName: "p", runName: "run1", '
    query += 'files: ["a"]}) { files { uploadUrl } } }'
    body = json.dumps({"query": query}).encode()
    for host in ("evil.example/x?", "a b", '"><script>'):
        reply = client.request("POST", "/graphql", body, {"Host": host})
        [file] = reply.json["data"]["createRunFiles"]["files"]
        assert file["uploadUrl"].startswith(client.server.url)


def test_a_prefix_is_in_front_of_everything() -> None:
    with LoopbackServer(prefix="/wandb/") as server:
        client = Client(server)
        assert server.url.endswith("/wandb")
        assert client.post("/wandb/graphql", {"query": VIEWER}).json["data"]["viewer"]["username"] == "loopback-user"
        assert client.post("/graphql", {"query": VIEWER}).status == 404
        assert client.request("GET", "/healthz").status == 200


def test_many_clients_at_once(server: LoopbackServer) -> None:
    client = Client(server)
    threads = [threading.Thread(target=client.upsert, args=(f"run{n}",)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.store.runs()) == 40


def test_the_end_is_quick_and_frees_the_port() -> None:
    # Below the ports that the kernel hands out: nobody beside this test is given it once it is free.
    server = LoopbackServer(random.randrange(20_000, 32_000)).start()
    idle = socket.create_connection(("127.0.0.1", server.port))
    Client(server).request("GET", "/healthz")
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 10
    idle.settimeout(2)
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        Client(server).request("GET", "/healthz")
    with LoopbackServer(server.port) as again:
        assert again.port == server.port


def test_a_connection_whose_thread_begins_after_the_end_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()
    setup = Handler.setup

    def late(handler: Handler) -> None:
        begun.set()
        ended.wait(10)
        setup(handler)

    monkeypatch.setattr(Handler, "setup", late)
    server = LoopbackServer().start()
    idle = socket.create_connection(("127.0.0.1", server.port))
    assert begun.wait(10)
    server.stop()
    ended.set()
    idle.settimeout(10)
    assert idle.recv(1) == b""
    idle.close()


def test_serve_takes_the_same_options() -> None:
    key = "k" * 40
    with serve(api_key=key) as server:
        assert server.api_key == key
    assert key not in repr(server.accounts)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_tls(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    alternative = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *alternative], cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with LoopbackServer(tls=tls) as server:
        assert server.url.startswith("https://127.0.0.1:")
        with pytest.raises(ssl.SSLCertVerificationError):
            http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5).request("GET", "/healthz")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=trusting)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()


def test_refusing_for_a_while(client: Client) -> None:
    client.upsert()
    port = client.server.port
    with client.server.refusing(), pytest.raises(ConnectionRefusedError):
        client.request("GET", "/healthz")
    assert client.server.port == port
    assert not client.upsert()["inserted"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files the Linux way")
def test_many_lives_leave_nothing_behind() -> None:
    def life() -> None:
        with LoopbackServer() as server:
            Client(server).upsert()
            socket.create_connection(("127.0.0.1", server.port)).close()

    life()
    open_before, threads_before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(15):
        life()
    deadline = time.monotonic() + 5
    while threading.active_count() > threads_before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= threads_before
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_before
