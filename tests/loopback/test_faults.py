"""Every kind of misbehaviour, seen from the other end of the wire."""

from __future__ import annotations

import http.client
import json
import threading
import time

import pytest

from harness.loopback.faults import Fault, FaultPlan
from harness.loopback.server import LoopbackServer
from tests.loopback.conftest import UPSERT, Client

VIEWER = "query Viewer { viewer { username entity } }"


def viewer(client: Client, timeout: float = 5):
    return client.graphql(VIEWER, timeout=timeout)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("operation=UpsertBucket,status=403,times=3", Fault(operation="UpsertBucket", status=403, times=3)),
        ("path=file_stream, reset=after", Fault(path="file_stream", reset="after")),
        ("hang", Fault(hang=True)),
        ("nulls=true,delay_s=0.5,after=2", Fault(nulls=True, delay_s=0.5, after=2)),
        ("status=429,retry_after=7,html", Fault(status=429, retry_after="7", html=True)),
        ("graphql_errors=boom", Fault(graphql_errors=("boom",))),
    ],
)
def test_reading_a_fault_from_the_command_line(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text",
    ["nonsense=1", "status=abc", "status=200", "times=0", "reset=sideways", "status", "nulls=perhaps", "after=-1"],
)
def test_a_bad_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        Fault.parse(text)


def test_the_plan_counts_and_skips() -> None:
    plan, fault = FaultPlan(), Fault(path="/a", after=1, times=2)
    plan.add(fault)
    request = {"operation": None, "path": "/a/b", "user_agent": "x", "method": "GET"}
    assert [plan.take(**request) for _ in range(4)] == [None, fault, fault, None]
    assert plan.take(**{**request, "path": "/c"}) is None
    assert (plan.hits(), plan.hits(fault)) == (2, 2)
    plan.clear()
    assert plan.take(**request) is None


def test_matching() -> None:
    request = {"operation": "Viewer", "path": "/graphql", "user_agent": "W&B Public Client 0.31.0", "method": "POST"}
    assert Fault().matches(**request)
    assert Fault(operation="Viewer", path="graph", user_agent="public client", method="POST").matches(**request)
    for other in (Fault(operation="Run"), Fault(path="files"), Fault(user_agent="core"), Fault(method="PUT")):
        assert not other.matches(**request)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502, 503, 599])
def test_a_status_is_worded_as_the_cloud_words_it(client: Client, status: int) -> None:
    client.server.faults.add(Fault(status=status, times=1))
    reply = client.graphql(UPSERT, name="run1")
    assert reply.status == status
    [error] = reply.json["errors"]
    assert error["path"] == ["upsertBucket"]
    assert error.get("extensions") == ({"code": "PERMISSION_ERROR"} if status in (401, 403) else None)
    assert client.server.store.runs() == []
    assert client.upsert()["inserted"]


def test_retry_after_message_and_page(client: Client) -> None:
    client.server.faults.add(Fault(status=429, retry_after="7", message="slow down", times=1))
    reply = viewer(client)
    assert reply.headers["retry-after"] == "7"
    assert reply.json["errors"][0]["message"] == "slow down"
    client.server.faults.add(Fault(status=502, html=True, times=1))
    reply = viewer(client)
    assert reply.headers["content-type"].startswith("text/html")
    assert b"502 Bad Gateway" in reply.body


def test_only_the_reader_is_hit(client: Client) -> None:
    client.server.faults.add(Fault(user_agent="Public Client", status=500))
    assert viewer(client).status == 200
    assert viewer(Client(client.server, agent="W&B Public Client 0.31.0")).status == 500


def test_the_file_stream_is_hit_by_its_path(client: Client) -> None:
    client.upsert()
    client.server.faults.add(Fault(path="file_stream", status=403))
    assert client.stream().status == 403
    assert client.stream().json == {"error": "permission denied"}


def test_graphql_errors(client: Client) -> None:
    client.server.faults.add(Fault(graphql_errors=("one", "two")))
    reply = viewer(client)
    assert reply.status == 200
    assert [error["message"] for error in reply.json["errors"]] == ["one", "two"]
    assert reply.json["data"] is None


def test_nulls(client: Client) -> None:
    client.server.faults.add(Fault(nulls=True, times=1), Fault(nulls=True, null_depth=2))
    assert viewer(client).json == {"data": {"viewer": None}}
    assert viewer(client).json == {"data": {"viewer": {"username": None, "entity": None}}}


def test_unknown_fields_stay_out_of_the_users_data(client: Client) -> None:
    client.upsert()
    client.log([{"_step": 0, "loss": 1}])
    client.server.faults.add(Fault(unknown_fields=True))
    reply = client.graphql('query R { project(name: "p") { run(name: "run1") { historyKeys } } }').json
    run = reply["data"]["project"]["run"]
    assert "loopbackUnknown" in reply
    assert "loopbackUnknown" in run
    assert set(run["historyKeys"]["keys"]) == {"_step", "loss"}


def test_delay_and_slow(client: Client) -> None:
    client.server.faults.add(Fault(delay_s=0.2, times=1), Fault(slow_s=0.2, times=1))
    for _ in range(2):
        began = time.monotonic()
        assert viewer(client).status == 200
        assert time.monotonic() - began >= 0.19


def test_hang_ends_with_the_client_or_the_server() -> None:
    with LoopbackServer() as server:
        client = Client(server)
        server.faults.add(Fault(hang=True))
        with pytest.raises(TimeoutError):
            viewer(client, timeout=0.3)
        seen: list[BaseException] = []

        def wait() -> None:
            try:
                viewer(client, timeout=20)
            except (OSError, http.client.HTTPException) as error:
                seen.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while server.faults.hits() < 2:
            time.sleep(0.01)
    waiting.join(5)
    assert len(seen) == 1
    assert not waiting.is_alive()


@pytest.mark.parametrize("cut", ["before", "headers", "after"])
def test_resets(client: Client, cut: str) -> None:
    client.server.faults.add(Fault(reset=cut, times=1))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        viewer(client)
    assert viewer(client).status == 200
    assert [record.status for record in client.server.requests] == [0 if cut == "before" else 200, 200]


def test_truncated(client: Client) -> None:
    client.server.faults.add(Fault(truncate=True, times=1))
    with pytest.raises(http.client.IncompleteRead) as cut:
        viewer(client)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.value.partial)
