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


def test_the_operation_that_is_named_is_the_one_that_runs(client: Client) -> None:
    query = "query A { viewer { username } } query B { serverInfo { __typename } }"
    for name, field in (("A", "viewer"), ("B", "serverInfo"), ("A", "viewer")):
        reply = client.post("/graphql", {"query": query, "operationName": name})
        assert list(reply.json["data"]) == [field]


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("JSONString", "runCount(filters: $v)", 3),
        ("JSONString", "runCount(filters: $v)", {"a": 1}),
        ("Int64", 'run(name: "run1") { history(minStep: $v) }', {}),
        ("Int64", 'run(name: "run1") { history(minStep: $v) }', 2**64),
        ("Int64", 'run(name: "run1") { history(minStep: $v) }', 1.5),
        ("Int64", 'run(name: "run1") { history(minStep: $v) }', True),
    ],
)
def test_a_scalar_of_another_kind_is_refused_in_words(client: Client, variable: str, field: str, value: object) -> None:
    client.upsert()
    query = f'query Odd($v: {variable}) {{ project(name: "p") {{ {field} }} }}'
    [error] = client.graphql(query, v=value).json["errors"]
    assert "the operation Odd" in error["message"]
    literal = json.dumps(value).replace('"a"', "a")
    assert client.graphql(f'{{ project(name: "p") {{ {field.replace("$v", literal)} }} }}').json["errors"]


def test_a_step_written_as_a_float_is_a_step(client: Client) -> None:
    client.upsert()
    client.log([{"_step": 0}, {"_step": 1}])
    query = 'query S($v: Int64) { project(name: "p") { run(name: "run1") { history(minStep: $v) } } }'
    assert client.data(query, v=1.0)["project"]["run"]["history"] == ['{"_step": 1}']


def test_what_is_told_of_unknown_operations_is_bounded(client: Client) -> None:
    for number in range(3):
        client.graphql(f"query New{number} {{ {'x' * 190} }}")
    told = client.server.application.unknown_operations
    assert (len(told), told.maxlen) == (3, 1000)
    client.graphql("query Long { " + " ".join(f'viewer(a{n}: "{"y" * 900}") {{ id }}' for n in range(5)) + " }")
    assert len(told[-1]) < 3000
