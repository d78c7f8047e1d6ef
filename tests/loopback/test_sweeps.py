"""Sweeps: what is tried next, and what agents are told."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml

from harness.loopback.errors import ApiError
from harness.loopback.sweeps.search import check, combination_count, combinations, distribution, draw
from tests.loopback.conftest import UPSERT, Client

UPSERT_SWEEP = """mutation UpsertSweep($input: UpsertSweepInput!) { upsertSweep(input: $input) {
    sweep { id name state project { name entity { name } } } configValidationWarnings } }"""
READ = """query S($s: String!) { project(name: "p") { totalSweeps sweep(sweepName: $s) { state method config bestLoss
    runCount runCountExpected runs { edges { node { name } } } agents { edges { node { id state totalRuns } } } } } }"""
GRID = {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [1, 2]}, "y": {"value": "a"}}}


class Sweep:
    """One sweep and one agent of it."""

    def __init__(self, client: Client, config: dict[str, Any]) -> None:
        self.client = client
        fields = {"entityName": "loopback", "projectName": "p", "config": yaml.safe_dump(config)}
        made = client.data(UPSERT_SWEEP, input=fields)["upsertSweep"]["sweep"]
        self.id, self.name, self.state = made["id"], made["name"], made["state"]
        query = """mutation C($s: String!) { createAgent(input: {host: "h", entityName: "loopback", projectName: "p",
            sweep: $s}) { agent { id } } }"""
        self.agent = client.data(query, s=self.name)["createAgent"]["agent"]["id"]

    def ask(self, **running: bool) -> list[dict[str, Any]]:
        query = """mutation H($a: ID!, $r: JSONString) { agentHeartbeat(input: {id: $a, metrics: "{}", runState: $r}) {
            agent { id } commands } }"""
        answer = self.client.data(query, a=self.agent, r=json.dumps(running))["agentHeartbeat"]
        return json.loads(answer["commands"])

    def change(self, state: str) -> None:
        self.client.data(UPSERT_SWEEP, input={"id": self.id, "state": state})

    def play(self, run: str, loss: float, exitcode: int = 0) -> None:
        query = UPSERT.replace("$state: String,", "$state: String, $sweep: String,").replace(
            "state: $state,", "state: $state, sweep: $sweep,"
        )
        summary = json.dumps({"loss": loss})
        fields = {"project": "p", "entity": "loopback", "sweep": self.name, "summaryMetrics": summary}
        self.client.data(query, name=run, **fields)
        self.client.stream(run, complete=True, exitcode=exitcode)

    def read(self) -> Any:
        return self.client.data(READ, s=self.name)["project"]["sweep"]


def test_a_grid_is_walked_to_its_end(client: Client) -> None:
    sweep = Sweep(client, GRID)
    assert sweep.state == "PENDING"
    [first] = sweep.ask()
    assert (first["type"], first["args"]) == ("run", {"x": {"value": 1}, "y": {"value": "a"}})
    assert sweep.ask(**{first["run_id"]: True}) == []
    sweep.play(first["run_id"], 0.5)
    [second] = sweep.ask()
    assert second["args"]["x"] == {"value": 2}
    sweep.play(second["run_id"], 0.25)
    assert sweep.read()["state"] == "RUNNING"
    assert sweep.ask() == [{"type": "exit"}]
    found = sweep.read()
    assert (found["state"], found["bestLoss"], found["runCount"], found["runCountExpected"]) == ("FINISHED", 0.25, 2, 2)
    assert [edge["node"]["name"] for edge in found["runs"]["edges"]] == [first["run_id"], second["run_id"]]
    assert [edge["node"]["totalRuns"] for edge in found["agents"]["edges"]] == [2]
    assert sweep.ask() == [{"type": "exit"}]


def test_a_grid_does_not_end_while_another_agent_runs(client: Client) -> None:
    sweep = Sweep(client, {**GRID, "parameters": {"x": {"value": 1}}})
    [only] = sweep.ask()
    client.upsert(only["run_id"])
    assert sweep.ask() == []
    assert sweep.read()["state"] == "RUNNING"


def test_a_preempted_run_is_taken_up_before_a_new_one_is_started(client: Client) -> None:
    """As docs.wandb.ai/models/runs/resuming has it under "Resume preemptible Sweeps runs"."""
    sweep = Sweep(client, GRID)
    [first] = sweep.ask()
    for _ in range(2):
        client.upsert(first["run_id"])
        client.stream(first["run_id"], preempting=True)
        client.stream(first["run_id"], complete=True, exitcode=1)
        assert sweep.ask() == [{**first, "type": "resume"}]
    [second] = sweep.ask()
    assert second["args"]["x"] == {"value": 2}
    sweep.play(second["run_id"], 0.5)
    assert sweep.ask() == []
    sweep.play(first["run_id"], 0.5, exitcode=1)
    assert sweep.ask() == [{"type": "exit"}]
    assert sweep.read()["agents"]["edges"][0]["node"]["totalRuns"] == 2


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_other_methods_draw_at_random_up_to_the_cap(client: Client, method: str) -> None:
    parameters = {"x": {"min": 0.0, "max": 1.0}}
    sweep = Sweep(client, {"method": method, "metric": {"name": "loss"}, "run_cap": 2, "parameters": parameters})
    drawn = [sweep.ask()[0]["args"]["x"]["value"] for _ in range(2)]
    assert all(0 <= value <= 1 for value in drawn)
    assert drawn[0] != drawn[1]
    assert sweep.ask() == [{"type": "exit"}]


def test_pause_resume_stop_and_cancel(client: Client) -> None:
    sweep = Sweep(client, {"method": "random", "parameters": {"x": {"min": 0, "max": 9}}})
    sweep.change("PAUSED")
    assert sweep.ask() == []
    sweep.change("RUNNING")
    [run] = sweep.ask()
    assert isinstance(run["args"]["x"]["value"], int)
    sweep.change("FINISHED")
    assert sweep.ask(**{run["run_id"]: True}) == []
    sweep.change("CANCELED")
    assert sweep.ask(**{run["run_id"]: True}) == [{"type": "stop", "run_id": run["run_id"]}]
    assert sweep.ask() == [{"type": "exit"}]


def test_prior_runs_are_listed(client: Client) -> None:
    client.upsert("old")
    client.upsert("other")
    sweep = Sweep(client, GRID)
    client.data(UPSERT_SWEEP, input={"id": sweep.id, "priorRunsFilters": '{"$or": [{"name": "old"}]}'})
    query = """query S($s: String!) { project(name: "p") { sweep(sweepName: $s) {
        priorRuns { edges { node { name } } } } } }"""
    found = client.data(query, s=sweep.name)["project"]["sweep"]["priorRuns"]
    assert found == {"edges": [{"node": {"name": "old"}}]}


def test_the_users_own_controller_plans_the_runs(client: Client) -> None:
    sweep = Sweep(client, {"method": "custom", "controller": {"type": "local"}, "parameters": {"x": {"value": 1}}})
    assert sweep.ask() == []
    plan = {"schedule": [{"id": 1, "data": {"args": {"x": {"value": 7}}}}]}
    client.data(UPSERT_SWEEP, input={"id": sweep.id, "controller": json.dumps(plan)})
    [run] = sweep.ask()
    assert run["args"] == {"x": {"value": 7}}
    assert sweep.ask() == []


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"config": "["}, 400, "invalid sweep config"),
        ({"config": "parameters: {x: {value: 1}}"}, 400, "Sweep config must contain method section"),  # wandb#2732
        ({"config": "method: hyperopt\nparameters: {x: {value: 1}}"}, 400, "Invalid search type hyperopt"),
        ({"config": "method: bayes\nparameters: {x: {value: 1}}"}, 400, 'Bayesian search requires "metric" section'),
        ({"config": "method: random\nparameters: {x: {distribution: odd}}"}, 400, "no distribution"),
        ({"config": "method: grid\nparameters: {x: {min: 0.0, max: 1.0}}"}, 400, "a grid cannot walk"),
        ({"id": "none", "state": "PAUSED"}, 404, "sweep none not found"),
        ({"launchScheduler": "{}"}, 400, "the embedded server has no launch queues: use --server real"),
    ],
)
def test_refusals(client: Client, fields: dict[str, Any], status: int, words: str) -> None:
    reply = client.graphql(UPSERT_SWEEP, input={"entityName": "loopback", "projectName": "p"} | fields)
    assert reply.status == status
    assert words in reply.json["errors"][0]["message"]


def test_nested_parameters_are_tried_together() -> None:
    parameters = {"a": {"values": [1, 2]}, "b": {"parameters": {"c": {"values": [3, 4]}}}}
    assert list(combinations(parameters))[1] == {"a": {"value": 1}, "b": {"value": {"c": 4}}}
    assert combination_count(parameters) == 4


BOUNDS = {"min": 1, "max": 3}


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        ({"distribution": "int_uniform", **BOUNDS}, 1, 3),
        ({"distribution": "uniform", **BOUNDS}, 1, 3),
        ({"distribution": "q_uniform", "q": 0.5, **BOUNDS}, 1, 3),
        ({"distribution": "log_uniform", **BOUNDS}, 2.7, 20.1),
        ({"distribution": "log_uniform_values", **BOUNDS}, 1, 3),
        ({"distribution": "q_log_uniform_values", "q": 1, **BOUNDS}, 1, 3),
        ({"distribution": "inv_log_uniform_values", **BOUNDS}, 1, 3),
        ({"distribution": "normal", "mu": 5, "sigma": 0}, 5, 5),
        ({"distribution": "q_normal", "mu": 5.2, "sigma": 0, "q": 1}, 5, 5),
        ({"distribution": "log_normal", "mu": 0, "sigma": 0}, 1, 1),
        ({"distribution": "beta", "a": 2, "b": 2}, 0, 1),
        ({"distribution": "categorical", "values": [2, 3]}, 2, 3),
        ({"values": [2, 3], "probabilities": [0.0, 1.0]}, 3, 3),
        ({"value": 4}, 4, 4),
    ],
)
def test_draws_stay_in_their_bounds(spec: dict[str, Any], low: float, high: float) -> None:
    source = random.Random(1)
    values = [draw(source, {"x": spec})["x"]["value"] for _ in range(50)]
    assert low - 1e-9 <= min(values)
    assert max(values) <= high + 1e-9


def test_the_distribution_is_inferred() -> None:
    assert distribution({"min": 1, "max": 2}) == "int_uniform"
    assert distribution({"min": 1.0, "max": 2}) == "uniform"
    with pytest.raises(ApiError, match="no distribution"):
        distribution({"min": 1})
    with pytest.raises(ApiError, match="invalid sweep config"):
        check("random", {"x": {"distribution": "uniform", "min": 1}})


def test_a_loss_that_is_no_number_is_not_the_best(client: Client) -> None:
    sweep = Sweep(client, GRID)
    for run, loss in (("a", 2.0), ("b", -(10**400)), ("c", float("-inf")), ("d", float("nan"))):
        sweep.play(run, loss)
    assert sweep.read()["bestLoss"] == 2.0


def test_of_more_runs_than_graphql_counts_the_most_are_told(client: Client) -> None:
    parameters = {name: {"min": 0, "max": 99_999} for name in "xy"}
    assert Sweep(client, {"method": "grid", "parameters": parameters}).read()["runCountExpected"] == 2**31 - 1


@pytest.mark.parametrize("fields", [{"priorRunsFilters": '{"nonsense": 1}'}, {"controller": "["}, {"scheduler": "3"}])
def test_what_would_break_later_is_refused_when_it_comes(client: Client, fields: dict[str, Any]) -> None:
    given = {"entityName": "loopback", "projectName": "p", "config": yaml.safe_dump(GRID)}
    assert client.graphql(UPSERT_SWEEP, input=given | fields).status == 400
