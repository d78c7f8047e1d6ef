"""Size does not slow a reader down: a run of a million steps, a project of ten thousand runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from harness.loopback.rows import GeneratedLog, LineLog
from harness.loopback.server import LoopbackServer
from tests.loopback.conftest import Client

STEPS = 1_000_000
RUNS = 10_000


def spent(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@pytest.fixture(scope="module")
def client():
    with LoopbackServer() as server:
        history = GeneratedLog(steps=STEPS, series={"loss": lambda step: 1 / (step + 1), "acc": float})
        server.store.seed_run("loopback", "long", "million", history=history)
        for number in range(RUNS):
            server.store.seed_run(
                "loopback", "wide", f"run{number}", config={"lr": number / RUNS}, tags=[f"t{number % 7}"],
                created_at=1000.0 + number,
            )  # fmt: skip
        yield Client(server)


def test_a_million_steps_are_summed_up_at_once(client: Client) -> None:
    query = """query R($s: [JSONString!]!) { project(name: "long") { run(name: "million") {
        historyKeys historyLineCount history(samples: 500) sampledHistory(specs: $s) } } }"""
    spec = json.dumps({"keys": ["_step", "loss"], "samples": 500})
    run = client.data(query, s=[spec])["project"]["run"]
    assert run["historyKeys"]["lastStep"] == STEPS - 1
    assert run["historyKeys"]["keys"]["loss"]["typeCounts"] == [{"type": "number", "count": STEPS}]
    assert len(run["history"]) == len(run["sampledHistory"][0]) == 500


def test_ten_thousand_runs_are_filtered_sorted_and_paged(client: Client) -> None:
    query = """query Runs($f: JSONString, $o: String) { project(name: "wide") { runCount(filters: $f)
        runs(filters: $f, order: $o, first: 50) { edges { node { name tags } } } } }"""
    project = client.data(query, f='{"tags": "t3", "config.lr": {"$gt": 0.5}}', o="-config.lr.value")["project"]
    wanted = [n for n in range(RUNS) if n % 7 == 3 and n > RUNS / 2]
    assert project["runCount"] == len(wanted)
    assert [e["node"]["name"] for e in project["runs"]["edges"]] == [f"run{n}" for n in wanted[::-1][:50]]


def test_a_row_costs_the_same_however_long_the_history_is() -> None:
    log = LineLog()

    def write(rows: int) -> None:
        for _ in range(rows // 100):
            start = len(log)
            log.write(start, [json.dumps({"_step": start + n, "loss": 0.5, "acc": 1}) for n in range(100)])

    first = spent(lambda: write(10_000))
    write(40_000)
    last = spent(lambda: write(10_000))
    assert last < 5 * first
    assert spent(log.history_keys) < 0.05
