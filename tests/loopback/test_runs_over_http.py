"""Runs as a job writes them and a reader sees them, over HTTP."""

from __future__ import annotations

import json

import pytest

from harness.loopback.server import LoopbackServer
from tests.loopback.conftest import UPSERT, Client

RUN = """query Run($name: String!, $project: String = "p") {
    project(name: $project, entityName: "loopback") { run(name: $name) { %s } } }"""


def read(client: Client, fields: str, name: str = "run1", **variables: object) -> dict:
    return client.data(RUN % fields, name=name, **variables)["project"]["run"]


def test_upsert_makes_and_then_updates(client: Client) -> None:
    first = client.upsert(config='{"lr": {"value": 0.1}}', tags=["a"], groupName="g", displayName="Example run")
    assert first["inserted"]
    assert first["bucket"]["project"] == {"name": "p", "entity": {"name": "loopback"}}
    again = client.upsert(displayName="New name")
    assert not again["inserted"]
    assert again["bucket"]["id"] == first["bucket"]["id"]
    [run] = client.server.store.runs()
    assert (run.display_name, run.config, run.tags, run.group) == ("New name", {"lr": 0.1}, ["a"], "g")


def test_defaults_of_entity_and_project(client: Client) -> None:
    made = client.data(UPSERT, name="r")["upsertBucket"]["bucket"]
    assert made["project"] == {"name": "uncategorized", "entity": {"name": "loopback"}}


@pytest.mark.parametrize("fields", [{"config": "["}, {"config": "[]"}, {"summaryMetrics": "x"}, {"state": "odd"}])
def test_bad_fields_are_refused(client: Client, fields: dict) -> None:
    assert client.graphql(UPSERT, name="r", project="p", **fields).status == 400
    assert client.server.store.run("loopback", "p", "r") is None


@pytest.mark.parametrize("name", ["a/b", "a:b", "x" * 129])
def test_bad_names_are_refused(client: Client, name: str) -> None:
    assert client.graphql(UPSERT, name=name, project="p").status == 400
    assert client.graphql(UPSERT, name="r", project=name).status == 400


def test_history_in_every_shape(client: Client) -> None:
    client.upsert()
    rows = [{"_step": n, "loss": 1 / (n + 1), **({"acc": n} if n % 10 == 0 else {})} for n in range(100)]
    assert client.log(rows).status == 200
    run = read(client, "historyLineCount historyKeys historyTail history(samples: 5)")
    assert run["historyLineCount"] == 100
    assert run["historyKeys"]["lastStep"] == 99
    assert run["historyKeys"]["keys"]["acc"]["typeCounts"] == [{"type": "number", "count": 10}]
    assert [json.loads(line)["_step"] for line in run["history"]] == [0, 24, 49, 74, 99]
    assert json.loads(json.loads(run["historyTail"])[-1])["_step"] == 99
    page = read(client, "history(minStep: 10, maxStep: 13, samples: 1000)")["history"]
    assert [json.loads(line)["_step"] for line in page] == [10, 11, 12]
    spec = json.dumps({"keys": ["_step", "acc"], "samples": 500})
    sampled = client.data(
        'query S($s: [JSONString!]!) { project(name: "p") { run(name: "run1") { sampledHistory(specs: $s) } } }',
        s=[spec, json.dumps({"keys": ["acc", "_step"], "minStep": 10, "maxStep": 20, "samples": 9})],
    )["project"]["run"]["sampledHistory"]
    assert sampled[0] == [{"_step": n, "acc": n} for n in range(0, 100, 10)]
    assert sampled[1] == [{"acc": 10, "_step": 10}, {"acc": 20, "_step": 20}]
    parquet = read(client, 'parquetHistory(liveKeys: ["_step"]) { parquetUrls liveData }')
    assert parquet["parquetHistory"] == {"parquetUrls": [], "liveData": []}


def test_a_run_without_history_has_no_keys(client: Client) -> None:
    client.upsert()
    assert read(client, r'historyKeys history sampledHistory(specs: ["{\"keys\": [\"a\"]}"])') == {
        "historyKeys": None, "history": [], "sampledHistory": [[]],
    }  # fmt: skip


def test_a_history_spec_without_keys_asks_for_whole_rows(client: Client) -> None:
    client.upsert()
    client.log([{"_step": 0, "a": 1}, {"_step": 1, "b": 2}])
    assert read(client, 'sampledHistory(specs: ["{}"])') == {
        "sampledHistory": [[{"_step": 0, "a": 1}, {"_step": 1, "b": 2}]]
    }


@pytest.mark.parametrize(
    "spec",
    ["x", "[]", '{"keys": 3}', '{"minStep": 1e999}', '{"samples": -1e999}', '{"maxStep": "x"}', "[" * 300],
)
def test_a_bad_history_spec_is_refused(client: Client, spec: str) -> None:
    client.upsert()
    query = 'query S($s: [JSONString!]!) { project(name: "p") { run(name: "run1") { sampledHistory(specs: $s) } } }'
    assert client.graphql(query, s=[spec]).status == 400


def test_summary_comes_from_the_stream_else_from_the_history(client: Client) -> None:
    client.upsert()
    client.log([{"_step": 0, "loss": 2.0}])
    assert json.loads(read(client, "summaryMetrics")["summaryMetrics"])["loss"] == 2.0
    summary = {"offset": 0, "content": ['{"loss": 1, "bad": NaN}']}
    client.stream(files={"wandb-summary.json": summary})
    assert json.loads(read(client, "summaryMetrics")["summaryMetrics"]) == {"loss": 1, "bad": "NaN"}


def test_system_metrics(client: Client) -> None:
    client.upsert()
    events = ['{"system.cpu": 1, "_runtime": 1}', '{"system.cpu": 2, "system.disk": 3, "_runtime": 2}']
    client.stream(files={"wandb-events.jsonl": {"offset": 0, "content": events}})
    run = read(client, "systemMetrics eventsLineCount events(samples: 1) eventsTail")
    assert json.loads(run["systemMetrics"]) == {"system.cpu": 2, "system.disk": 3}
    assert (run["eventsLineCount"], len(run["events"])) == (2, 1)


def test_console_lines_are_overwritten_in_place(client: Client) -> None:
    client.upsert()
    lines = ["2026-01-01T00:00:00.0 one\n", "ERROR 2026-01-01T00:00:00.0 two"]
    structured = '{"ts":"2026-01-01T00:00:01","level":"error","content":"three","label":"rank 1"}'
    client.stream(files={"output.log": {"offset": 0, "content": [*lines, structured]}})
    client.stream(files={"output.log": [{"offset": 0, "content": ["2026-01-01T00:00:02.0 first"]}]})
    [run] = client.server.store.runs()
    assert run.console == ["first", "two", "three"]
    fields = (
        "logLineCount logLines(%s) { edges { node { number level label line } } pageInfo { hasNextPage endCursor } }"
    )
    tail = read(client, fields % "last: 1")
    assert tail["logLineCount"] == 3
    assert tail["logLines"]["edges"] == [{"node": {"number": 2, "level": "error", "label": "rank 1", "line": "three"}}]
    page = read(client, fields % "first: 2, useImprovedPagination: true")["logLines"]
    assert [edge["node"]["line"] for edge in page["edges"]] == ["first", "two"]
    assert page["pageInfo"]["hasNextPage"]
    rest = read(client, fields % f'first: 2, after: "{page["pageInfo"]["endCursor"]}", useImprovedPagination: true')
    assert [edge["node"]["line"] for edge in rest["logLines"]["edges"]] == ["three"]


@pytest.mark.parametrize(("exit_code", "state"), [(0, "finished"), (1, "failed"), (255, "failed")])
def test_the_end_of_a_job(client: Client, exit_code: int, state: str) -> None:
    client.upsert()
    assert read(client, "state")["state"] == "running"
    reply = client.stream(complete=True, exitcode=exit_code, gzipped=True)
    assert reply.json == {"exitcode": exit_code, "limits": {}, "stopped": False}
    assert read(client, "state")["state"] == state


def test_silence_is_a_crash_and_a_heartbeat_revives() -> None:
    now = [1000.0]
    with LoopbackServer(clock=lambda: now[0], crash_after_s=60) as server:
        client = Client(server)
        client.upsert()
        now[0] += 61
        assert read(client, "state heartbeatAt") == {"state": "crashed", "heartbeatAt": "1970-01-01T00:16:40Z"}
        client.stream()
        assert read(client, "state")["state"] == "running"
        client.stream(preempting=True)
        assert read(client, "state")["state"] == "preempting"
        now[0] += 61
        assert read(client, "state")["state"] == "preempted"
        client.stream(complete=True, exitcode=0)
        now[0] += 9999
        assert read(client, "state")["state"] == "finished"


@pytest.mark.parametrize(("exitcode", "state"), [(0, "finished"), (1, "preempted")])
def test_a_run_that_was_marked_as_preempting_is_preempted_unless_it_succeeds(
    client: Client, exitcode: int, state: str
) -> None:
    """As docs.wandb.ai/models/sweeps/signal-handling-sweep-runs has it; the SDK sends the mark only once."""
    client.upsert()
    client.stream(preempting=True)
    client.stream()
    client.upsert(config="{}")
    assert read(client, "state")["state"] == "preempting"
    client.stream(complete=True, exitcode=exitcode)
    assert read(client, "state")["state"] == state
    client.upsert()
    client.stream(complete=True, exitcode=1)
    assert read(client, "state")["state"] == "failed"


def test_a_stopped_run_hears_of_it_and_counts_as_killed(client: Client) -> None:
    made = client.upsert()
    client.data("mutation S($i: ID!) { stopRun(input: {id: $i}) { success } }", i=made["bucket"]["id"])
    assert read(client, "stopped")["stopped"]
    assert client.stream().json["stopped"]
    client.stream(complete=True, exitcode=255)
    assert read(client, "state")["state"] == "killed"


def test_a_deleted_id_cannot_be_used_again(client: Client) -> None:
    made = client.upsert()
    client.data("mutation D($i: ID!) { deleteRun(input: {id: $i}) { clientMutationId } }", i=made["bucket"]["id"])
    assert read(client, "id") is None
    reply = client.graphql(UPSERT, name="run1", project="p")
    assert reply.status == 409
    words = "run loopback/p/run1 was previously created and deleted; try a new run name"
    assert reply.json["errors"][0]["message"] == words
    assert client.stream().status == 404


def test_resuming_asks_for_what_is_there(client: Client) -> None:
    client.upsert(config='{"_wandb": {"value": {"t": {"1": []}, "m": 1}}}', tags=["x"])
    client.log([{"_step": 0}, {"_step": 1}])
    query = """query R($n: String!) { model(name: "p", entityName: "loopback") { bucket(name: $n, missingOk: true) {
        name logLineCount historyLineCount eventsLineCount tags wandbConfig(keys: ["t"]) } } }"""
    assert client.data(query, n="run1")["model"]["bucket"] == {
        "name": "run1", "logLineCount": 0, "historyLineCount": 2, "eventsLineCount": 0, "tags": ["x"],
        "wandbConfig": '{"t": {"1": []}}',
    }  # fmt: skip
    assert client.data(query, n="other")["model"]["bucket"] is None


def test_a_reader_edits_by_id_and_leaves_the_state_alone(client: Client) -> None:
    made = client.upsert()
    client.stream(complete=True, exitcode=0)
    query = """mutation U($i: String!, $t: [String!], $d: String) {
        upsertBucket(input: {id: $i, tags: $t, displayName: $d}) { bucket { tags displayName state } inserted } }"""
    changed = client.data(query, i=made["bucket"]["id"], t=["best"], d="Renamed")["upsertBucket"]
    assert changed == {"bucket": {"tags": ["best"], "displayName": "Renamed", "state": "finished"}, "inserted": False}
    assert client.graphql(query, i="nonsense").status == 404


def test_a_state_is_set_where_the_sdk_says_that_it_may_follow(client: Client) -> None:
    made = client.upsert()
    update = "mutation S($i: ID!, $s: String!) { updateRunState(input: {id: $i, state: $s}) { success } }"
    for state in ("pending", "failed"):
        assert client.data(update, i=made["bucket"]["id"], s=state) == {"updateRunState": {"success": True}}
        assert read(client, "state")["state"] == state
    client.upsert()
    client.stream(complete=True, exitcode=0)
    reply = client.graphql(update, i=made["bucket"]["id"], s="pending")
    assert (reply.status, reply.json["errors"][0]["message"]) == (
        400,
        "invalid state transition: a run that is finished cannot become pending",
    )


def test_the_stream_of_an_unknown_run_is_404(client: Client) -> None:
    assert client.stream("nobody").status == 404


@pytest.mark.parametrize(
    "body",
    [
        [1],
        {"files": [1]},
        {"files": {"wandb-history.jsonl": {"content": []}}},
        {"files": {"wandb-history.jsonl": {"offset": 0, "content": ["nonsense"]}}},
        {"files": {"wandb-history.jsonl": {"offset": 10**12, "content": ["{}"]}}},
        {"files": {"output.log": {"offset": -1, "content": ["x"]}}},
    ],
)
def test_a_bad_stream_request_is_400(client: Client, body: object) -> None:
    client.upsert()
    assert client.post("/files/loopback/p/run1/file_stream", body).status == 400


def test_paging_through_runs(client: Client) -> None:
    for number in range(7):
        client.upsert(f"run{number}")
    query = """query Runs($c: String, $f: JSONString) { project(name: "p", entityName: "loopback") {
        runCount(filters: $f) runs(first: 3, after: $c, filters: $f, order: "+created_at") {
        edges { node { name projectId } cursor } pageInfo { endCursor hasNextPage } } } }"""
    names, cursor = [], None
    for _ in range(3):
        project = client.data(query, c=cursor, f='{"name": {"$ne": "run3"}}')["project"]
        names += [edge["node"]["name"] for edge in project["runs"]["edges"]]
        cursor = project["runs"]["pageInfo"]["endCursor"]
    assert project["runCount"] == 6
    assert names == ["run0", "run1", "run2", "run4", "run5", "run6"]
    assert not project["runs"]["pageInfo"]["hasNextPage"] or cursor is None
    assert client.graphql(query, c="nonsense").status == 400
    assert client.graphql(query, f="{").status == 400


def test_projects(client: Client) -> None:
    client.upsert(project="one")
    query = 'mutation M { upsertModel(input: {name: "two", entityName: "loopback"}) { inserted project { name } } }'
    assert client.data(query)["upsertModel"] == {"inserted": True, "project": {"name": "two"}}
    models = client.data(
        'query P { models(entityName: "loopback") { edges { node { name entityName user { username } } } } }'
    )
    assert [edge["node"]["name"] for edge in models["models"]["edges"]] == ["two", "one"]
    assert models["models"]["edges"][0]["node"]["user"] == {"username": "loopback-user"}


def test_a_run_always_has_a_user(client: Client) -> None:
    client.upsert()
    client.server.store.seed_run("loopback", "p", "seeded", username="left-the-team")
    assert read(client, "user { username }")["user"] == {"username": "loopback-user"}
    assert read(client, "user { username name }", "seeded")["user"]["username"] == "left-the-team"


def test_several_writers_share_a_run(client: Client) -> None:
    client.upsert()

    def write(writer: str, offset: int, rows: list[dict], **more: object) -> None:
        headers = {"X-WANDB-USE-ASYNC-FILESTREAM": "true", "X-WANDB-ASYNC-CLIENT-ID": writer}
        lines = {"offset": offset, "content": [json.dumps(row) for row in rows]}
        summary = {"offset": 0, "content": [json.dumps({writer: len(rows)})]}
        console = {"offset": offset, "content": [f"2026-01-01T00:00:00 {writer} {offset}"]}
        files = {"wandb-history.jsonl": lines, "wandb-summary.json": summary, "output.log": console}
        assert client.post("/files/loopback/p/run1/file_stream", {"files": files, **more}, headers).status == 200

    write("a", 0, [{"_step": 0, "loss": 1}, {"loss": 2}])
    write("b", 0, [{"_step": 0, "loss": 10}])
    write("b", 1, [{"loss": 11}])
    write("a", 1, [{"loss": 3}], complete=True, exitcode=0)
    [run] = client.server.store.runs()
    assert [(row["_step"], row["loss"]) for row in run.history] == [(0, 1), (1, 3), (2, 10), (3, 11)]
    assert run.summary == {"a": 1, "b": 1}
    assert run.console == ["a 0", "b 0", "b 1", "a 1"]
    assert run.state == "finished"


@pytest.mark.parametrize(
    "fields",
    [
        "wandbConfig",
        'logLines(after: "\u00b2") { edges { node { line } } }',
        'logLines(after: "%s") { edges { node { line } } }' % ("9" * 5000),
        "logLines(last: -5) { edges { node { line } } }",
        "files(names: [null]) { edges { node { name } } }",
        'files(pattern: "%s") { edges { node { name } } }' % ("%a" * 60),
    ],
)  # fmt: skip
def test_odd_questions_about_a_run_have_answers(client: Client, fields: str) -> None:
    client.upsert(config='{"_wandb": {"value": ["no", "mapping"]}}')
    client.request("PUT", "/files/loopback/p/run1/" + "a" * 200, b"")
    assert read(client, fields)


def test_sampled_rows_are_strict_json(client: Client) -> None:
    client.upsert()
    client.stream(files={"wandb-history.jsonl": {"offset": 0, "content": ['{"a": 1e999}']}})
    query = '{ project(name: "p") { run(name: "run1") { sampledHistory(specs: ["{}"]) } } }'
    assert client.data(query)["project"]["run"]["sampledHistory"] == [[{"a": "Infinity"}]]


def test_a_name_with_half_of_a_surrogate_pair_makes_a_run_that_can_be_read(client: Client) -> None:
    client.upsert("a\ud800", displayName="x\udfff")
    [run] = client.server.store.runs()
    assert (run.name, run.display_name) == ("a\ufffd", "x\ufffd")


@pytest.mark.parametrize("length", ["\u00b2", "-1", "1" * 30, "x", "1e3"])
def test_a_body_of_an_odd_length_is_refused(client: Client, length: str) -> None:
    assert client.request("POST", "/graphql", b"", {"Content-Length": length}).status in (400, 413)
