"""Every GraphQL document that an SDK holds is served or refused by name, and docs/loopback.md says which."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from harness.loopback.graphql_api import GraphQLApi, make_schema
from harness.loopback.refusals import NOT_HERE, refusal_words
from tests.compat.sdks import installed
from tests.loopback.conftest import Client
from tests.loopback.operations_table import VERSIONS, fates, written


def unknown(found: dict[str, set[str]]) -> list[str]:
    return [f"{name}: {fate}" for name, all_of in found.items() for fate in all_of if fate.startswith("unknown")]


@pytest.mark.slow
def test_the_installed_sdk_asks_nothing_unknown_and_the_page_lists_it() -> None:
    spec = importlib.util.find_spec("wandb")
    assert spec is not None
    assert spec.origin is not None
    found = fates(Path(spec.origin).parent)
    assert len(found) > 100
    assert unknown(found) == []
    page = written()
    assert {name: fates - page.get(name, set()) for name, fates in found.items() if fates - page.get(name, set())} == {}


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_no_sdk_asks_anything_unknown(version: str) -> None:
    found = fates(installed(f"wandb=={version}") / "wandb")
    assert len(found) > 100
    assert unknown(found) == []


def test_an_invented_operation_is_unknown() -> None:
    document = GraphQLApi().document("query New { project(name: $n) { launchPad { id } } }")
    assert (bool(document.problems), document.refused) == (True, None)


@pytest.mark.parametrize("place", NOT_HERE)
def test_what_is_refused_is_not_in_the_schema(place: str) -> None:
    owner, _, field = place.partition(".")
    assert field not in make_schema().type_map[owner].fields


def test_reports_and_workspaces_are_refused_by_name_and_listed_as_none(client: Client) -> None:
    """The documents are those of github.com/wandb/wandb-workspaces."""
    save = """mutation upsertView($s: String!) { upsertView(input: {spec: $s, createdUsing: WANDB_SDK}) {
        view { id project { id name entityName } spec } inserted } }"""
    [error] = client.graphql(save, s="{}").json["errors"]
    assert error["message"] == "the embedded server has no reports and saved workspaces: use --server real"
    client.upsert()
    read = """query View { project(name: "p") { allViews(viewType: "project-view", viewName: "v", userName: null) {
        edges { node { id displayName spec } } } } }"""
    assert client.data(read) == {"project": {"allViews": {"edges": []}}}
    assert client.server.unknown_operations == []


def test_a_refusal_names_what_is_not_there_and_is_no_unknown_operation(client: Client) -> None:
    query = """mutation Queue($input: UpsertRunQueueInput!) { upsertRunQueue(input: $input) { success } }"""
    reply = client.graphql(query, input={"queueName": "q"})
    assert reply.status == 200
    [error] = reply.json["errors"]
    assert (
        error["message"]
        == refusal_words("launch queues")
        == ("the embedded server has no launch queues: use --server real")
    )
    assert client.server.refused_operations == ["Queue: launch queues"]
    assert client.server.unknown_operations == []
