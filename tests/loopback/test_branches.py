"""Forks and rewinds: a fork has its parent's past, a rewound run has lost its own after the step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.loopback.server import LoopbackServer
from tests.loopback.conftest import Client

REWIND = """mutation RewindRun($r: String!, $m: String!, $v: Float!) { rewindRun(input: {runName: $r,
    entityName: "loopback", projectName: "p", metricName: $m, metricValue: $v}) {
    rewoundRun { name historyLineCount } } }"""


def branch(parent: str, step: Any) -> str:
    return json.dumps({"_wandb": {"value": {"branch_point": {"run_id": parent, "step": step}}}})


def rows(client: Client, name: str) -> list[tuple[int, int]]:
    run = client.server.store.run("loopback", "p", name)
    assert run is not None
    return [(row["_step"], row["loss"]) for row in run.history]


def parent(client: Client) -> None:
    client.upsert("parent")
    # Not every step is logged, so that lines and steps differ.
    client.log([{"_step": step, "loss": step} for step in (0, 2, 4, 6)], name="parent")


def test_a_fork_goes_on_from_its_parents_past(client: Client) -> None:
    parent(client)
    made = client.upsert("fork", config=branch("parent", 4))
    assert (made["inserted"], made["bucket"]["historyLineCount"]) == (True, 3)
    client.log([{"_step": 5, "loss": 50}], name="fork", offset=3)
    assert rows(client, "fork") == [(0, 0), (2, 2), (4, 4), (5, 50)]
    assert rows(client, "parent") == [(0, 0), (2, 2), (4, 4), (6, 6)]
    again = client.upsert("fork", config=branch("parent", 4))
    assert (again["inserted"], again["bucket"]["historyLineCount"]) == (False, 4)


def test_a_fork_of_nothing_is_refused(client: Client) -> None:
    parent(client)
    query = """mutation UpsertBucket($c: JSONString) { upsertBucket(input: {name: "fork", modelName: "p",
        entityName: "loopback", config: $c}) { inserted } }"""
    missing = client.graphql(query, c=branch("nobody", 4))
    assert (missing.status, missing.json["errors"][0]["message"]) == (404, "run loopback/p/nobody not found")
    assert client.graphql(query, c=branch("parent", "four")).status == 400
    assert client.server.store.run("loopback", "p", "fork") is None


def test_a_rewound_run_has_lost_what_came_after(client: Client) -> None:
    parent(client)
    client.stream("parent", files={"wandb-summary.json": {"offset": 0, "content": ['{"loss": 6}']}})
    rewound = client.data(REWIND, r="parent", m="_step", v=3)["rewindRun"]["rewoundRun"]
    assert rewound == {"name": "parent", "historyLineCount": 2}
    client.upsert("parent", config=branch("parent", 3))
    client.log([{"_step": 4, "loss": 40}], name="parent", offset=2)
    assert rows(client, "parent") == [(0, 0), (2, 2), (4, 40)]
    run = client.server.store.run("loopback", "p", "parent")
    assert run is not None
    assert run.summary["loss"] == 40
    assert client.graphql(REWIND, r="parent", m="loss", v=3).status == 400
    assert client.graphql(REWIND, r="nobody", m="_step", v=3).status == 404


def test_both_survive_a_restart(tmp_path: Path) -> None:
    with LoopbackServer(store_dir=tmp_path) as server:
        client = Client(server)
        parent(client)
        client.upsert("fork", config=branch("parent", 2))
        client.data(REWIND, r="parent", m="_step", v=0)
    with LoopbackServer(store_dir=tmp_path) as server:
        assert (rows(Client(server), "fork"), rows(Client(server), "parent")) == ([(0, 0), (2, 2)], [(0, 0)])


def test_a_step_beyond_all_steps_is_refused(client: Client) -> None:
    parent(client)
    query = """mutation UpsertBucket($c: JSONString) { upsertBucket(input: {name: "fork", modelName: "p",
        entityName: "loopback", config: $c}) { inserted } }"""
    for step in (float("inf"), float("nan"), 1e300):
        assert client.graphql(query, c=branch("parent", step)).status == 400
    assert client.graphql(REWIND, r="parent", m="_step", v=1e300).status == 400
    assert len(rows(client, "parent")) == 4


def test_what_one_of_several_writers_sends_after_a_rewind_follows_what_is_left(client: Client) -> None:
    client.upsert("parent")
    headers = {"x-wandb-use-async-filestream": "true", "x-wandb-async-client-id": "one"}

    def send(offset: int, *losses: int) -> None:
        content = [json.dumps({"loss": loss}) for loss in losses]
        body = {"files": {"wandb-history.jsonl": {"offset": offset, "content": content}}}
        assert client.post("/files/loopback/p/parent/file_stream", body, headers).status == 200

    send(0, 0, 1, 2, 3)
    client.data(REWIND, r="parent", m="_step", v=1)
    send(3, 30, 40)
    assert rows(client, "parent") == [(0, 0), (1, 1), (2, 30), (3, 40)]
