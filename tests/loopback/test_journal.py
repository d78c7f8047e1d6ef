"""A store in a folder comes back as it was, after an orderly end and after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.loopback.server import LoopbackServer
from tests.loopback.conftest import Client


def fill(server: LoopbackServer) -> None:
    client = Client(server)
    made = client.upsert(config='{"lr": {"value": 1}}', tags=["a"], displayName="Example run", groupName="g")
    client.log([{"_step": 0, "loss": 1.0}, {"_step": 1, "loss": 2.0}])
    client.stream(files={"output.log": {"offset": 0, "content": ["2026-01-01T00:00:00 hello"]}})
    client.stream(files={"wandb-events.jsonl": {"offset": 0, "content": ['{"system.cpu": 1}']}})
    client.stream(complete=True, exitcode=3)
    assert client.request("PUT", "/files/loopback/p/run1/..%2F..%2Fescape.txt", b"bytes").status == 200
    edit = 'mutation U($i: String!) { upsertBucket(input: {id: $i, notes: "noted"}) { inserted } }'
    client.data(edit, i=made["bucket"]["id"])
    gone = client.upsert("gone")
    client.data("mutation D($i: ID!) { deleteRun(input: {id: $i}) { clientMutationId } }", i=gone["bucket"]["id"])
    stopped = client.upsert("stopped")
    client.data("mutation S($i: ID!) { stopRun(input: {id: $i}) { success } }", i=stopped["bucket"]["id"])
    client.request("PUT", "/files/loopback/p/stopped/a.txt", b"a")


def assert_full(server: LoopbackServer) -> None:
    run, stopped = server.store.runs()
    assert (run.name, run.state, run.exit_code, run.display_name) == ("run1", "failed", 3, "Example run")
    assert (run.config, run.tags, run.group, run.notes) == ({"lr": 1}, ["a"], "g", "noted")
    assert [row["loss"] for row in run.history] == [1.0, 2.0]
    assert run.console == ["hello"]
    assert run.system_metrics == {"system.cpu": 1}
    assert run.files == {"../../escape.txt": b"bytes"}
    assert stopped.stop_requested
    assert (
        Client(server).graphql('mutation { upsertBucket(input: {name: "gone", modelName: "p"}) { inserted } }').status
        == 409
    )


def test_everything_comes_back_with_its_times(tmp_path: Path) -> None:
    with LoopbackServer(store_dir=tmp_path / "store", clock=lambda: 1000.0) as server:
        fill(server)
        key = server.api_key
    with LoopbackServer(store_dir=tmp_path / "store", clock=lambda: 2000.0) as server:
        assert_full(server)
        assert server.store.runs()[0].created_at == 1000.0
        assert server.store.runs()[0].heartbeat_at == 1000.0
        Client(server).upsert("later")
    with LoopbackServer(store_dir=tmp_path / "store", clock=lambda: 2000.0) as server:
        assert [run.name for run in server.store.runs()] == ["run1", "stopped", "later"]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.parent in (tmp_path / "store", tmp_path / "store" / "files") for path in kept)
    assert not any(key.encode() in path.read_bytes() for path in kept)


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    with LoopbackServer(store_dir=tmp_path) as server:
        fill(server)
    journal = tmp_path / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"operation": "ups')
    with LoopbackServer(store_dir=tmp_path) as server:
        assert_full(server)
        Client(server).upsert("after")
    with LoopbackServer(store_dir=tmp_path) as server:
        assert server.store.runs()[-1].name == "after"


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"operation": "odd", "at": 1, "entity": "e", "project": "p", "run": "r"}']
)
def test_a_broken_journal_is_an_error_that_names_the_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "journal.jsonl").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"journal\.jsonl, line 1"):
        LoopbackServer(store_dir=tmp_path)
    LoopbackServer(store_dir=tmp_path / "other").stop()


def test_a_folder_serves_one_server_at_a_time(tmp_path: Path) -> None:
    with LoopbackServer(store_dir=tmp_path), pytest.raises(OSError, match="another server"):
        LoopbackServer(store_dir=tmp_path)
    LoopbackServer(store_dir=tmp_path).stop()


def test_a_taken_port_lets_the_folder_go(tmp_path: Path) -> None:
    with LoopbackServer() as other, pytest.raises(OSError, match="in use"):
        LoopbackServer(other.port, store_dir=tmp_path)
    LoopbackServer(store_dir=tmp_path).stop()


def test_each_line_is_json(tmp_path: Path) -> None:
    with LoopbackServer(store_dir=tmp_path) as server:
        fill(server)
    for line in (tmp_path / "journal.jsonl").read_text().splitlines():
        assert json.loads(line)["operation"]
