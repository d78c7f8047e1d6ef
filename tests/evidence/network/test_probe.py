"""The walk to the server: every trouble is typed at the step where it arises, in bounded time, without the key."""

import dataclasses
import socket
import time
from types import SimpleNamespace

import pytest

from harness.evidence.models.base import Trouble
from harness.evidence.network import probe as module
from harness.evidence.network.probe import clock_ahead, probe_network
from harness.loopback.accounts import Accounts, User
from harness.loopback.faults import Fault
from harness.loopback.server import LoopbackServer
from tests.evidence.wire import free_port, http, raw_server, resets, says, way_to

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.01, 0.01))


@pytest.fixture
def probe(tmp_path):
    """Probes an address with a bare environment and looks for the key in all that comes back."""

    def _probe(url, *, key=KEY, entity=None, project="p", timeout_s=3.0, env=None):
        env = {"HOME": str(tmp_path), **(env or {})}
        found = probe_network(way_to(url, env, key, entity, project), env, timeout_s=timeout_s)
        assert KEY not in found.model_dump_json() + repr(found)
        return found

    return _probe


@pytest.fixture(scope="module")
def _running():
    with LoopbackServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def server(_running):
    yield _running
    _running.faults.clear()


def names(found):
    return [(step.name, step.ok) for step in found.steps]


def test_a_good_server(probe, server):
    found = probe(server.url)
    assert names(found) == [("dns", True), ("tcp", True), ("http", True), ("viewer", True), ("project", True)]
    assert found.viewer.username == "loopback-user"
    assert found.viewer.teams == ("loopback", "loopback-team")
    assert not found.viewer.admin
    assert (found.entity, found.project, found.project_access) == ("loopback", "p", "writable")
    assert found.server_version == "0.80.0"
    assert found.base_url_problem is None
    assert server.unknown_operations == []


def test_the_servers_clock(server):
    assert clock_ahead(server.url, {}) == pytest.approx(0.0, abs=3.0)
    assert clock_ahead("http://127.0.0.1:9", {}) is None


def test_a_good_server_under_a_path(probe):
    with LoopbackServer(api_key=KEY, prefix="/wandb") as server:
        assert probe(server.url).project_access == "writable"


def test_the_wrong_path_on_a_server_is_not_found(probe):
    with LoopbackServer(api_key=KEY, prefix="/wandb") as server:
        found = probe(f"http://127.0.0.1:{server.port}")
    assert names(found)[-1] == ("http", False)
    assert found.steps[-1].trouble.kind == "not_found"
    assert found.steps[-1].trouble.http_status == 404


def test_without_a_key_the_walk_ends_at_http(probe, server):
    found = probe(server.url, key=None)
    assert names(found)[-1] == ("http", True)
    assert found.viewer is None


def test_a_rejected_key(probe, server):
    found = probe(server.url, key="f" * 40)
    assert names(found)[-1] == ("viewer", False)
    trouble = found.steps[-1].trouble
    assert (trouble.kind, trouble.http_status, trouble.text) == ("auth", 401, "user is not logged in")


@pytest.mark.parametrize("key", ["abc", '"quoted"', "with\nnewline", "grüße", "udc\udc80"])
def test_any_key_can_be_sent(probe, server, key):
    found = probe(server.url, key=key)
    assert found.steps[-1].trouble.kind == "auth"


@pytest.mark.parametrize(
    ("entity", "access", "kind"),
    [
        ("loopback-team", "writable", None),
        ("loopback-user", "writable", None),
        ("someone-else", "forbidden", "permission"),
        ("no-such-entity", "no_such_entity", None),
    ],
)
@pytest.mark.parametrize("project", ["p", None])
def test_access_to_an_entity(probe, server, entity, project, access, kind):
    found = probe(server.url, entity=entity, project=project)
    assert found.project_access == access
    assert found.entity == entity
    assert found.steps[-1].name == "project"
    assert (found.steps[-1].trouble.kind if found.steps[-1].trouble else None) == kind


def test_an_account_without_an_entity_of_its_own(probe):
    user = dataclasses.replace(User(api_key=KEY), default_entity="")
    with LoopbackServer(accounts=Accounts((user,))) as server:
        found = probe(server.url)
    assert found.entity is None
    assert found.viewer.entity is None
    assert found.project_access == "unknown"


def test_a_name_that_does_not_resolve(probe):
    found = probe("http://nonexistent.invalid")
    assert names(found) == [("dns", False)]
    assert found.steps[0].trouble.kind == "dns"
    assert found.steps[0].trouble.where == "nonexistent.invalid:80"


def test_a_resolver_that_never_answers(probe, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    started = time.monotonic()
    found = probe("http://slow.example", timeout_s=0.3)
    assert found.steps[0].trouble.kind == "dns"
    assert time.monotonic() - started < 15


def test_nobody_listens(probe):
    found = probe(f"http://127.0.0.1:{free_port()}")
    assert names(found) == [("dns", True), ("tcp", False)]
    assert found.steps[-1].trouble.kind == "refused"


def test_packets_that_are_dropped(probe, monkeypatch):
    def late(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", late)
    found = probe("http://127.0.0.1:9")
    assert names(found) == [("dns", True), ("tcp", False)]
    assert found.steps[-1].trouble.kind == "timeout"


def test_no_route(probe, monkeypatch):
    def unreachable(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    trouble = probe("http://127.0.0.1:9").steps[-1].trouble
    assert (trouble.kind, trouble.text) == ("timeout", "Network is unreachable")


def trickles(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.1)


def silent(connection, _):
    time.sleep(20)


HTML = b"<html><body>Welcome to our portal</body></html>"


@pytest.mark.parametrize(
    ("reply", "kind", "status"),
    [
        (resets, "reset", None),
        (says(b""), "reset", None),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "reset", None),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"), "reset", None),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n"), "reset", None),
        (silent, "timeout", None),
        (trickles, "timeout", None),
        (says(http(HTML, kind="text/html")), "protocol", 200),
        (says(http(b'{"data": {"viewer"')), "protocol", 200),
        (says(http(b"null")), "protocol", 200),
        (says(http(b"[]")), "protocol", 200),
        (says(http(b'{"data": null}')), "protocol", 200),
        (says(http(b"[" * 100_000)), "protocol", 200),
        (says(http(b"\xff\xfe\x00")), "protocol", 200),
        (says(http(HTML, "502 Bad Gateway", "text/html")), "http", 502),
        (says(http(b'{"error": "boom"}', "500 Internal Server Error")), "http", 500),
        (says(http(HTML, "403 Forbidden", "text/html")), "http", 403),
        (says(http(HTML, "404 Not Found", "text/html")), "not_found", 404),
        (says(http(b"", "407 Proxy Authentication Required")), "proxy", 407),
        (says(http(b'{"error": "slow down"}', "429 Too Many Requests")), "http", 429),
    ],
)
def test_an_answer_that_is_none(probe, reply, kind, status):
    started = time.monotonic()
    with raw_server(reply) as port:
        found = probe(f"http://127.0.0.1:{port}", timeout_s=0.3 if kind == "timeout" else 3)
    assert names(found) == [("dns", True), ("tcp", True), ("http", False)]
    assert (found.steps[-1].trouble.kind, found.steps[-1].trouble.http_status) == (kind, status)
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b'{"data": {"viewer": null}}', "200 OK", "auth"),
        (b'{"data": {}}', "200 OK", "auth"),
        (b'{"errors": [{"message": "user is not logged in"}], "data": {"viewer": null}}', "200 OK", "auth"),
        (b'{"errors": [{"message": "permission denied"}]}', "200 OK", "permission"),
        (b'{"errors": [{"message": "permission denied"}]}', "403 Forbidden", "permission"),
        (b'{"errors": [{"message": "unknown field"}]}', "200 OK", "protocol"),
        (b'{"errors": [{"message": "unknown field"}]}', "400 Bad Request", "protocol"),
        (b'{"errors": [{"message": "conflict"}]}', "409 Conflict", "http"),
        (b'{"errors": {"odd": [1]}}', "200 OK", "protocol"),
        (b'{"errors": ["plain words"]}', "200 OK", "protocol"),
        (b'{"data": {"viewer": {"username": null}}}', "200 OK", "protocol"),
        (b'{"data": {"viewer": "me"}}', "200 OK", "protocol"),
        (b'{"error": "bad key"}', "401 Unauthorized", "auth"),
    ],
)
def test_an_answer_that_refuses(probe, body, status, kind):
    with raw_server(says(http(body, status))) as port:
        found = probe(f"http://127.0.0.1:{port}")
    assert names(found)[-2:] == [("http", True), ("viewer", False)]
    assert found.steps[-1].trouble.kind == kind


@pytest.mark.parametrize(
    "viewer",
    [
        b'{"username": "me", "entity": null, "teams": null}',
        b'{"username": "me", "teams": {"edges": null}}',
        b'{"username": "me", "teams": {"edges": [null, {"node": null}, {"node": {"name": 3}}]}, "new": {}}',
    ],
)
def test_an_owner_of_unknown_shape_is_still_an_owner(probe, viewer):
    with raw_server(says(http(b'{"data": {"viewer": ' + viewer + b"}}"))) as port:
        found = probe(f"http://127.0.0.1:{port}", entity="me")
    assert found.viewer.username == "me"
    assert found.viewer.teams == ()


def test_the_servers_words_are_redacted_and_made_harmless(probe):
    words = b'{"errors": [{"message": "key ' + KEY.encode() + b" \\u001b[31mrefused " + b"x" * 5000 + b'"}]}'
    with raw_server(says(http(words, "401 Unauthorized"))) as port:
        text = probe(f"http://127.0.0.1:{port}").steps[-1].trouble.text
    assert text.startswith("key [redacted] refused")
    assert len(text) <= 300


def test_an_endless_answer_is_not_read_to_its_end(probe):
    def endless(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(endless) as port:
        found = probe(f"http://127.0.0.1:{port}", timeout_s=3)
    assert found.steps[-1].trouble.kind == "protocol"


FAULTS = {
    "401": Fault(status=401),
    "403": Fault(status=403),
    "404": Fault(status=404),
    "409": Fault(status=409),
    "429": Fault(status=429),
    "429-retry-after": Fault(status=429, retry_after="0"),
    "500": Fault(status=500),
    "502-html": Fault(status=502, html=True),
    "reset-before": Fault(reset="before"),
    "reset-headers": Fault(reset="headers"),
    "reset-after": Fault(reset="after"),
    "truncate": Fault(truncate=True),
    "errors": Fault(graphql_errors=("boom",)),
    "nulls": Fault(nulls=True),
}


@pytest.mark.parametrize("operation", ["Viewer", "HarnessProject"])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_changes_nothing(probe, server, fault, times, operation):
    server.faults.add(dataclasses.replace(FAULTS[fault], times=times, operation=operation))
    found = probe(server.url)
    assert found.viewer is not None
    assert found.project_access == "writable"
    assert all(step.ok for step in found.steps)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lasting_fault_of_the_second_question_never_denies_access(probe, server, fault):
    server.faults.add(dataclasses.replace(FAULTS[fault], operation="HarnessProject"))
    assert probe(server.url).project_access in {"writable", "unknown"}
    if fault not in {"403", "nulls"}:
        assert probe(server.url, entity="someone-else").project_access == "unknown"


@pytest.mark.parametrize("fault", [Fault(unknown_fields=True), Fault(slow_s=0.2), Fault(delay_s=0.2)])
def test_odd_but_good_answers_are_good(probe, server, fault):
    server.faults.add(fault)
    assert probe(server.url).project_access == "writable"


def test_tries_are_counted_and_retry_after_is_honoured_within_limits(probe, server, monkeypatch):
    waits = []
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=waits.append))
    server.faults.add(Fault(status=429, retry_after="3", times=1), Fault(status=429, retry_after="3600"))
    found = probe(server.url)
    assert found.steps[-1].trouble.http_status == 429
    assert waits == [3.0, 5.0, 5.0]
    assert server.faults.hits() == 4


def test_the_whole_walk_ends_in_time(probe, monkeypatch):
    monkeypatch.setattr(module, "TOTAL_SECONDS", 1.2)
    started = time.monotonic()
    with raw_server(silent) as port:
        found = probe(f"http://127.0.0.1:{port}", timeout_s=10)
    assert found.steps[-1].trouble.kind == "timeout"
    assert time.monotonic() - started < 15


def test_an_address_that_the_sdk_refuses_is_not_tried(probe):
    found = probe("https://wandb.ai")
    assert found.steps == ()
    assert "did you mean" in found.base_url_problem


def test_a_password_in_the_address_is_not_shown(probe):
    found = probe(f"http://me:hunter2hunter2@127.0.0.1:{free_port()}/x")
    assert "hunter2" not in found.model_dump_json()
    assert found.base_url.startswith("http://[redacted]@127.0.0.1:")


def test_a_redirect_is_followed_with_its_method(probe, server):
    def moved(connection, _):
        connection.sendall(http(b"", "308 Permanent Redirect", "text/html", f"Location: {server.url}/graphql"))

    with raw_server(moved) as port:
        found = probe(f"http://127.0.0.1:{port}")
    # Another port is another server: the key is not taken along.
    assert found.steps[-1].trouble.kind == "auth"


def test_redirects_in_a_circle_end(probe):
    with raw_server(says(http(b"", "307 Temporary Redirect", "text/html", "Location: /graphql"))) as port:
        found = probe(f"http://127.0.0.1:{port}")
    assert found.steps[-1].trouble.kind == "protocol"


def test_extra_headers_are_sent_and_never_shown(probe):
    seen = []

    def reply(connection, request):
        seen.append(request)
        connection.sendall(http(b'{"errors": [{"message": "got hunter2hunter2"}]}', "401 Unauthorized"))

    with raw_server(reply) as port:
        found = probe(f"http://127.0.0.1:{port}", env={"WANDB_X_EXTRA_HTTP_HEADERS": '{"X-Gate": "hunter2hunter2"}'})
    assert b"X-Gate: hunter2hunter2" in seen[0]
    assert found.steps[-1].trouble == Trouble(
        kind="auth", text="got [redacted]", where=f"http://127.0.0.1:{port}/graphql", http_status=401
    )
