"""Tests of the rarer records, made with the SDK's own message classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.evidence.disk.wandb_log.reader import read_wandb_log
from harness.evidence.models.wandb_log import LocalLog
from tests.evidence.disk.wandb_log.logfile import LogWriter, message

wandb_internal_pb2: Any = pytest.importorskip("wandb.proto.wandb_internal_pb2")
Record = wandb_internal_pb2.Record


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def reading(*records: Any) -> LocalLog:
        path = tmp_path / "run.wandb"
        with path.open("wb") as stream:
            writer = LogWriter(stream)
            for record in records:
                writer.write(record if isinstance(record, bytes) else record.SerializeToString())
        log = read_wandb_log(path)
        assert log.problems == ()
        assert LocalLog.model_validate_json(log.model_dump_json()) == log
        return log

    return reading


def test_later_run_records_add_to_earlier_ones(read: Any) -> None:
    first = Record(
        run={"run_id": "abc", "entity": "team", "tags": ["a"], "start_time": {"seconds": 5, "nanos": 500_000_000}}
    )
    second = Record(run={"run_id": "abc", "display_name": "new", "resumed": True, "starting_step": 40})
    run = read(first, second).run
    assert (run.run_id, run.entity, run.display_name, run.tags) == ("abc", "team", "new", ("a",))
    assert (run.start_time, run.resumed, run.starting_step) == (5.5, True, 40)
    alone = read(first).run
    assert (alone.resumed, alone.forked, alone.starting_step) == (False, False, 0)
    assert read(first, Record(run={"forked": True})).run.forked


def test_records_of_which_nothing_is_kept_are_counted(read: Any) -> None:
    log = read(Record(request={"status": {}}), Record(tbrecord={}), Record(use_artifact={"id": "x"}))
    assert log.records == {"request": 1, "tbrecord": 1, "use_artifact": 1}
    assert (log.status, log.has_exit, log.preempting) == ("no_exit_record", False, False)
    assert (log.system_samples, log.run, log.environment) == (0, None, None)


def test_the_environment_with_amd_gpus_and_slurm(read: Any) -> None:
    started = Record(
        environment={
            "os": "Linux-5.14",
            "host": "nid005012",
            "python": "CPython 3.12.3",
            "email": "someone@example.org",
            "slurm": {"job_id": "123", "nnodes": "2"},
        }
    )
    probed = Record(
        environment={
            "gpu_type": "AMD Instinct MI250X",
            "gpu_count": 8,
            "gpu_amd": [{"id": "0", "model": "MI250X"}] * 8,
            "cpu_count": 56,
            "args": ["--epochs", "3"],
            "gpu_nvidia": [{"name": "H100", "memory_total": 80, "cuda_cores": 5}],
        }
    )
    moved = Record(environment={"slurm": {"job_id": "124"}})
    log = read(started, probed)
    found = log.environment
    assert (found.os, found.host, found.gpu, found.gpu_count, len(found.gpu_amd)) == (
        "Linux-5.14",
        "nid005012",
        "AMD Instinct MI250X",
        8,
        8,
    )
    assert found.slurm == {"job_id": "123", "nnodes": "2"}
    assert (found.cpu_count, found.args) == (56, ("--epochs", "3"))
    assert found.gpu_nvidia == ({"name": "H100", "memory_total": "80", "cuda_cores": 5},)
    first = read(started).environment
    assert (first.args, first.gpu_count, first.gpu_nvidia) == ((), 0, ())
    later = read(started, probed, moved).environment
    assert (later.slurm, later.host) == ({"job_id": "124", "nnodes": "2"}, "nid005012")
    assert "example.org" not in log.model_dump_json()


def test_times_that_no_calendar_knows(read: Any) -> None:
    impossible = {"seconds": 2**62, "nanos": 2**31 - 1}
    log = read(
        Record(environment={"host": "nid1", "started_at": impossible}),
        Record(run={"run_id": "a", "start_time": impossible}),
        Record(stats={"timestamp": impossible, "item": [{"key": "cpu", "value_json": "1"}]}),
        Record(output_raw={"line": "x", "timestamp": impossible}),
    )
    assert log.environment.host == "nid1"
    assert log.environment.started_at > 2**61


def test_settings_without_secrets(read: Any) -> None:
    items = {
        "api_key": '"' + "k" * 40 + '"',
        "mode": '"shared"',
        "x_label": '"rank0"',
        "x_primary": "true",
        "email": '"e"',
    }
    record = Record(run={"settings": {"item": [{"key": key, "value_json": value} for key, value in items.items()]}})
    log = read(record)
    assert log.settings == {"mode": "shared", "x_label": "rank0", "x_primary": True}
    assert "kkkk" not in log.model_dump_json()
    many = [{"settings": {"item": [{"key": f"k{number}{part}", "value_json": "1"} for number in range(150)]}}
            for part in "ab"]  # fmt: skip
    assert len(read(*[Record(run=run) for run in many]).settings) == 200


def test_config_is_flat_bounded_and_finite(read: Any) -> None:
    updates = [
        {"key": "lr", "value_json": "NaN"},
        {"nested_key": ["model", "depth"], "value_json": "2"},
        {"key": "data", "value_json": '{"path": "/x", "sizes": [1, Infinity]}'},
        {"key": "long", "value_json": '"' + "x" * 5000 + '"'},
        {"key": "_wandb", "value_json": '{"cli_version": "0.10.1", "python_version": "3.7.2"}'},
        {"key": "broken", "value_json": "{"},
        {"key": "surrogate", "value_json": '"\\ud800"'},
    ]
    removed = Record(config={"remove": [{"key": "data"}]})
    log = read(Record(config={"update": updates}))
    assert log.config["lr"] == "NaN"
    assert log.config["model.depth"] == 2
    assert log.config["data.sizes"] == [1, "Infinity"]
    assert len(str(log.config["long"])) < 1100
    assert (log.config["broken"], log.config["surrogate"]) == ("{", "?")
    assert (log.sdk_version, log.python_version) == ("0.10.1", "3.7.2")
    assert not any(key.startswith("data") for key in read(Record(config={"update": updates}), removed).config)


def test_a_config_of_many_keys_is_cut(read: Any) -> None:
    updates = [{"key": f"k{number}", "value_json": "1"} for number in range(2100)]
    log = read(Record(config={"update": updates}))
    assert (len(log.config), log.config_dropped) == (2000, 100)


def test_what_is_listed_is_bounded_and_the_rest_counted(read: Any) -> None:
    names = [f"n{number}" for number in range(203)]
    log = read(
        Record(files={"files": [{"path": name} for name in names]}),
    )
    assert (len(log.files), log.files_dropped, log.files[-1]) == (200, 3, "n199")


def test_console_pieces_become_lines(read: Any) -> None:
    pieces = [(1, "one"), (0, "bad"), (1, " line\ntwo\n10%\r50%\r"), (1, "100%\n"), (0, "ge\n"), (1, "open")]
    records = [
        Record(output_raw={"output_type": kind, "line": text, "timestamp": {"seconds": 9}}) for kind, text in pieces
    ]
    log = read(*records)
    assert log.console_lines == 5


def test_shared_mode_names_its_writers(read: Any) -> None:
    items = [{"key": "cpu/l:rank0", "value_json": "1"}, {"key": "cpu/l:rank1", "value_json": "2"}]
    log = read(Record(stats={"timestamp": {"seconds": 7}, "item": items}))
    assert log.writer_labels == ("rank0", "rank1")
    assert sorted(log.system) == ["cpu/l:rank0", "cpu/l:rank1"]


def test_the_end_of_a_run(read: Any) -> None:
    ends = [
        Record(preempting={}),
        Record(exit={"exit_code": 1, "runtime": 12}),
    ]
    log = read(*ends)
    assert (log.status, log.exit_code, log.runtime_s) == ("complete", 1, 12)
    assert log.preempting
    assert (log.files_dropped, log.series_dropped, log.system_dropped, log.problems_dropped) == (0, 0, 0, 0)


def test_versions(read: Any) -> None:
    log = read(
        Record(header={"version_info": {"producer": "0.26.1+abc", "min_consumer": "0.70.0"}}),
        Record(telemetry={"platform": "linux-x86_64"}),
    )
    assert (log.sdk_version, log.platform) == ("0.26.1", "linux-x86_64")
    header = Record(header={"version_info": {"producer": "0.26.1+abc"}})
    telemetry = Record(telemetry={"cli_version": "0.31.0", "python_version": "3.12.3"})
    config = Record(
        config={"update": [{"key": "_wandb", "value_json": '{"cli_version": "0.1", "python_version": "3"}'}]}
    )
    for records in ((header, telemetry, config), (telemetry, config, header), (config, telemetry, header)):
        found = read(*records)
        assert (found.sdk_version, found.python_version) == ("0.31.0", "3.12.3")
    assert read(Record(header={})).sdk_version == ""


def test_types_from_the_future_are_counted(read: Any) -> None:
    log = read(b"\x08\x01" + message(b"\xfa\x05", b"x"), Record(exit={}))
    assert log.records == {"exit": 1, "unknown": 1}
