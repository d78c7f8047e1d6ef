"""GraphQL: the schema is whole, known questions are answered, unknown ones fail loudly and name themselves."""

from __future__ import annotations

import json

import pytest

from harness.loopback.graphql_api import GraphQLApi, make_schema
from tests.loopback.conftest import Client


def test_every_resolver_has_its_field() -> None:
    schema = make_schema()
    assert schema.query_type is not None
    assert schema.query_type.fields["viewer"].resolve is not None


def test_introspection_as_the_guides_sdk_does_it(client: Client) -> None:
    query = 'query Probe { T: __type(name: "Project") { fields { name } } S: __type(name: "ServerSettings") { name } }'
    data = client.data(query)
    assert "internalId" in [field["name"] for field in data["T"]["fields"]]
    assert data["S"] == {"name": "ServerSettings"}


def test_an_unknown_field_names_the_operation(client: Client) -> None:
    reply = client.graphql("query BrandNew { viewer { shoeSize } }")
    assert reply.status == 200
    [error] = reply.json["errors"]
    assert "BrandNew" in error["message"]
    assert "shoeSize" in error["message"]
    assert client.server.unknown_operations == [error["message"].split("operation ")[1]]


def test_an_unknown_input_field_fails_loudly_only_if_it_says_something(client: Client) -> None:
    query = "mutation Delete($input: StopRunInput!) { stopRun(input: $input) { success } }"
    run = client.upsert()
    good = client.graphql(query, input={"id": run["bucket"]["id"], "fromTheFuture": None})
    assert good.json["data"] == {"stopRun": {"success": True}}
    bad = client.graphql(query, input={"id": run["bucket"]["id"], "fromTheFuture": 1})
    assert "fromTheFuture" in bad.json["errors"][0]["message"]
    assert len(client.server.unknown_operations) == 1


@pytest.mark.parametrize("query", ["", "query {", "fragment F on Run { id }", "{" * 3000])
def test_a_query_that_cannot_be_read_is_an_error_and_no_crash(client: Client, query: str) -> None:
    reply = client.graphql(query)
    assert reply.status in (200, 400)
    assert reply.json["errors"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"query": 3}', b'{"query": "{ viewer { id } }", "variables": 3}'])
def test_a_body_that_cannot_be_read_is_refused(client: Client, body: bytes) -> None:
    assert client.request("POST", "/graphql", body).status == 400


def test_get_is_refused(client: Client) -> None:
    assert client.request("GET", "/graphql").status == 405


def test_documents_are_read_once() -> None:
    api = GraphQLApi()
    query = "query A { viewer { id } }"
    assert api.document(query) is api.document(query)
    for number in range(300):
        api.document(f"query B{number} {{ viewer {{ id }} }}")
    assert len(api._documents) <= 256


def test_viewer(client: Client) -> None:
    query = "query Viewer { viewer { username entity email flags teams { edges { node { name } } } } }"
    viewer = client.data(query)["viewer"]
    assert viewer["username"] == "loopback-user"
    assert viewer["entity"] == "loopback"
    assert json.loads(viewer["flags"]) == {}
    assert [edge["node"]["name"] for edge in viewer["teams"]["edges"]] == ["loopback", "loopback-team"]


def test_server_info_and_organization(client: Client) -> None:
    info = client.data("query F { serverInfo { cliVersionInfo features { name isEnabled } } }")["serverInfo"]
    assert {"name": "FILESTREAM_GZIP", "isEnabled": True} in info["features"]
    query = "query O($e: String!) { entity(name: $e) { organization { coreWeaveOrganizationId } } }"
    assert client.data(query, e="loopback")["entity"] == {"organization": {"coreWeaveOrganizationId": None}}
    assert client.data(query, e="nobody")["entity"] is None
