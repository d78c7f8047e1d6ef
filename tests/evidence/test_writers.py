"""Whether a run's writer is there: it has the log open, or it was on this machine and has not."""

import os
import socket

from harness.evidence.writers import touched_at, writer_of

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
    assert writer_of(log, HERE, tmp_path / "proc") is None


def test_the_newest_file_counts(tmp_path):
    assert touched_at([tmp_path / "nowhere"]) is None
    for name, at in (("a", 100), ("b", 200)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at, at))
    assert touched_at([tmp_path / "a", tmp_path / "b", tmp_path / "nowhere"]) == 200
