"""Keys, entities and permissions, and the words in which the server refuses."""

from __future__ import annotations

from typing import Any

import pytest

from harness.loopback.accounts import Access, Accounts, User, random_api_key
from harness.loopback.server import LoopbackServer
from tests.loopback.conftest import UPSERT, Client

PROJECT = "query P($e: String, $p: String) { project(name: $p, entityName: $e) { name } }"


def test_the_key_never_shows_in_a_repr() -> None:
    key = random_api_key()
    assert len(key) == 40
    assert key not in repr(User(api_key=key))
    assert key not in repr(Accounts.default(key))


@pytest.mark.parametrize("header", [None, "", "Bearer x", "Basic ???", "Basic YXBp", "Basic YXBpOndyb25n"])
def test_bad_authorization_belongs_to_nobody(header: str | None) -> None:
    assert Accounts.default("a" * 40).user_of(header) is None


def test_access() -> None:
    accounts = Accounts.default()
    [user] = accounts.users
    assert accounts.access(user, "loopback-team") is Access.WRITE
    assert accounts.access(user, "loopback-user") is Access.WRITE
    assert accounts.access(user, "someone-else") is Access.FORBIDDEN
    assert accounts.access(user, "nobody") is Access.UNKNOWN
    assert accounts.access(User(read_only=True), "loopback") is Access.FORBIDDEN


def test_a_wrong_key_is_401_everywhere(client: Client) -> None:
    client.upsert()
    client.key = "0" * 40
    reply = client.graphql("query Viewer { viewer { id } }")
    assert reply.status == 401
    assert reply.json == {
        "errors": [
            {"message": "user is not logged in", "path": ["viewer"], "extensions": {"code": "PERMISSION_ERROR"}}
        ],
        "data": {"viewer": None},
    }
    assert client.graphql(UPSERT, name="x").json["errors"][0]["path"] == ["upsertBucket"]
    assert client.stream().status == 401


def test_no_key_sees_no_viewer_and_no_project(client: Client) -> None:
    client.key = ""
    assert client.data("query Viewer { viewer { id } }") == {"viewer": None}
    assert client.graphql(PROJECT, e="loopback", p="p").status == 401
    assert client.request("GET", "/files/loopback/p/run1/x.txt").status == 401


def test_upsert_into_a_closed_entity_is_403_as_in_the_cloud(client: Client) -> None:
    reply = client.graphql(UPSERT, name="r", project="p", entity="someone-else")
    assert reply.status == 403
    assert reply.json == {
        "errors": [
            {"message": "permission denied", "path": ["upsertBucket"], "extensions": {"code": "PERMISSION_ERROR"}}
        ],
        "data": {"upsertBucket": None},
    }


def test_upsert_into_an_unknown_entity_is_404_as_in_the_cloud(client: Client) -> None:
    reply = client.graphql(UPSERT, name="r", project="p", entity="no-such-team")
    assert reply.status == 404
    assert reply.json["errors"][0]["message"] == "entity no-such-team not found during upsertBucket"


def test_reading(client: Client) -> None:
    client.upsert()
    assert client.data(PROJECT, e="loopback", p="p") == {"project": {"name": "p"}}
    assert client.data(PROJECT, e="loopback", p="other") == {"project": None}
    assert client.data(PROJECT, e="nobody", p="p") == {"project": None}
    assert client.graphql(PROJECT, e="someone-else", p="p").status == 403


def test_a_second_user_has_an_account_of_its_own() -> None:
    mine, other = User(), User("other", default_entity="other", teams=("loopback-team",))
    with LoopbackServer(accounts=Accounts((mine, other))) as server:
        assert server.api_key == mine.api_key
        client = Client(server, key=other.api_key)
        assert client.data("query V { viewer { username entity } }")["viewer"] == {
            "username": "other",
            "entity": "other",
        }
        assert client.upsert(entity="loopback-team")["inserted"]
        assert client.graphql(UPSERT, name="r", project="p", entity="loopback").status == 403
        run = server.store.run("loopback-team", "p", "run1")
        assert run is not None
        assert run.username == "other"


def test_a_read_only_seat_reads_and_does_not_write() -> None:
    seat = User(read_only=True)
    with LoopbackServer(accounts=Accounts((seat,))) as server:
        client = Client(server)
        assert client.graphql(UPSERT, name="r", project="p", entity="loopback").status == 403
        assert client.data(PROJECT, e="loopback", p="p") == {"project": None}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "i" * 129}, "invalid parameters: 128 limit exceeded for Name"),
        ({"tags": ["t" * 65]}, f"invalid tag '{'t' * 65}'. must be between 1 and 64 characters"),
        ({"tags": ["t" * 64]}, None),
    ],
)
def test_what_is_too_long_is_refused(client: Client, fields: dict[str, Any], words: str | None) -> None:
    reply = client.graphql(UPSERT, **{"name": "run1", **fields})
    assert reply.status == (400 if words else 200)
    assert [error["message"] for error in reply.json.get("errors", ())] == ([words] if words else [])
