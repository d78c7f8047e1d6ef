"""Whether a run's writer is there: it has the log open, or it was on this machine and has not."""

import os
import socket

from harness.evidence.disk.log_writers import touched_at, writer_of

HERE = socket.gethostname()


def test_a_log_that_is_open_has_a_writer(tmp_path):
    log = tmp_path / "run-a.wandb"
    with log.open("wb"):
        assert writer_of(log, "another") == "alive"
    assert writer_of(log, HERE) == "gone"
    assert writer_of(log, "another") is None
    assert writer_of(log, None) is None


def test_nothing_is_said_of_a_log_that_is_not_there_or_where_processes_are_not_listed(tmp_path):
    assert writer_of(tmp_path / "nowhere", HERE) is None
    log = tmp_path / "run-a.wandb"
    log.touch()
    assert writer_of(log, HERE, processes=tmp_path / "proc") is None


def test_a_log_that_names_no_machine_was_made_here_if_it_is_as_old_as_its_run(tmp_path, monkeypatch):
    log = tmp_path / "run-a.wandb"
    log.write_bytes(b":W&B")
    now = log.stat().st_ctime
    assert writer_of(log, None, now - 5) == "gone"
    assert writer_of(log, None, now - 3600) is None  # a copy
    assert writer_of(log, "another", now - 5) is None
    monkeypatch.setattr("harness.evidence.disk.log_writers.filesystem_of", lambda _: "lustre")
    assert writer_of(log, None, now - 5) is None


def test_the_newest_file_counts(tmp_path):
    assert touched_at([tmp_path / "nowhere"]) is None
    for name, at in (("a", 100), ("b", 200)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at, at))
    assert touched_at([tmp_path / "a", tmp_path / "b", tmp_path / "nowhere"]) == 200
