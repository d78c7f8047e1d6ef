"""Filters and orders of `wandb.Api().runs`, as the SDK documents them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.loopback.errors import ApiError
from harness.loopback.filters import parse_filter, sort_runs
from harness.loopback.store import Store


@pytest.fixture
def store() -> Store:
    store = Store(clock=lambda: 2000.0)
    store.seed_run(
        "loopback", "p", "a", display_name="Example run", config={"lr": 0.1, "deep": {"x": 1}}, tags=["t1", "t2"],
        summary={"loss": 0.5}, fields={"groupName": "g1", "host": "nid1"}, created_at=1000.0, username="me",
    )  # fmt: skip
    store.seed_run("loopback", "p", "b", config={"lr": 0.2}, summary={"loss": 0.1}, state="failed", created_at=1001.0)
    store.seed_run(
        "loopback",
        "p",
        "c",
        config={"opt": "sgd"},
        tags=["t2"],
        state="running",
        created_at=1002.0,
        heartbeat_at=1010.0,
    )
    return store


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({}, "abc"),
        ({"state": "failed"}, "b"),
        ({"state": "crashed"}, "c"),
        ({"display_name": "Example run"}, "a"),
        ({"displayName": {"$regex": "^Ex.*run$"}}, "a"),
        ({"tags": "t2"}, "ac"),
        ({"tags": {"$in": ["t1", "t9"]}}, "a"),
        ({"tags": {"$nin": ["t2"]}}, "b"),
        ({"tags": {"$all": ["t2", "t1"]}}, "a"),
        ({"group": "g1"}, "a"),
        ({"group": None}, "bc"),
        ({"host": "nid1"}, "a"),
        ({"username": "me"}, "a"),
        ({"config.lr": 0.1}, "a"),
        ({"config.lr.value": {"$gte": 0.1, "$lt": 0.2}}, "a"),
        ({"config.deep.x": 1}, "a"),
        ({"config.deep.value.x": 1}, "a"),
        ({"config.deep.x.value": 1}, "a"),
        ({"config.lr": {"$exists": False}}, "c"),
        ({"config.opt": {"$gt": 1}}, ""),
        ({"summary_metrics.loss": {"$lte": 0.1}}, "b"),
        ({"summary_metrics.loss": {"$ne": 0.5}}, "bc"),
        ({"created_at": {"$gt": "1970-01-01T00:16:40Z"}}, "bc"),
        ({"createdAt": {"$gt": "1970-01-01T00:16:40.500000+00:00"}}, "bc"),
        ({"createdAt": {"$lte": "1970-01-01T02:16:41+02:00"}}, "ab"),
        ({"createdAt": {"$lt": "1970-01-01T00:16:40.500"}}, "a"),
        ({"createdAt": {"$gt": "1969-12-31"}}, "abc"),
        ({"createdAt": {"$gt": "1970-13-41"}}, ""),
        ({"duration": {"$gte": 5}}, "c"),
        ({"entity": "loopback", "project": "p"}, "abc"),
        ({"$or": [{"state": "failed"}, {"tags": "t1"}]}, "ab"),
        ({"$and": [{"tags": "t2"}, {"config.opt": "sgd"}]}, "c"),
        ({"$nor": [{"state": "failed"}, {"tags": "t1"}]}, "c"),
        ({"name": {"$not": {"$in": ["a"]}}}, "bc"),
        ({"name": {"$eq": "b"}}, "b"),
    ],
)
def test_filters(store: Store, condition: dict, names: str) -> None:
    test = parse_filter(json.dumps(condition))
    assert "".join(run.name for run in store.runs() if test is None or test(run)) == names


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"nonsense": 1}', '{"name": {"$where": "1"}}', '{"$or": {}}', '{"name": {"$in": "a"}}',
        '{"name": {"$all": "a"}}', '{"name": {"$regex": "("}}', '{"name": {"$regex": 3}}',
        '{"name": {"$regex": "%s"}}' % ("a" * 600),
    ],
)  # fmt: skip
def test_bad_filters_are_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_filter(text)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (None, "abc"),
        ("+created_at", "abc"),
        ("-created_at", "cba"),
        ("created_at", "abc"),
        ("-heartbeat_at", "cba"),
        ("+config.lr.value", "abc"),
        ("-config.lr.value", "bac"),
        ("+summary_metrics.loss", "bac"),
        ("-name", "cba"),
        ("+config.opt", "cab"),
    ],
)
def test_orders(store: Store, order: str | None, names: str) -> None:
    assert "".join(run.name for run in sort_runs(store.runs(), order)) == names


def test_a_bad_order_is_refused(store: Store) -> None:
    with pytest.raises(ApiError):
        sort_runs(store.runs(), "-nonsense")


@pytest.mark.parametrize("pattern", ["(a+)+$", "a{99999999999}", "(" * 400, "["])
def test_an_expression_that_might_never_end_is_refused(pattern: str) -> None:
    with pytest.raises(ApiError, match="invalid filter: \\$regex"):
        parse_filter(json.dumps({"name": {"$regex": pattern}}))


def test_a_value_that_is_too_long_for_an_expression_is_refused_not_cut(store: Store) -> None:
    def found(pattern: str, name: str) -> bool:
        run = replace(store.runs()[0], display_name=name)
        return parse_filter(json.dumps({"display_name": {"$regex": pattern}}))(run)

    assert found("a.*b$", "a" * 1000 + "b")
    assert found("a*a*a*a*a*a*b", "a" * 30 + "b")
    with pytest.raises(ApiError, match="6 repeats are too many for a value of 61 characters"):
        found("a*a*a*a*a*a*b", "a" * 60 + "b")
