"""The lock of a look that cron starts: one at a time for each question, and none that outlives its process."""

import fcntl

import pytest

from harness.watch.alone import BusyError, alone


def test_the_same_question_waits_for_nobody_and_another_goes_on(tmp_path):
    with alone(tmp_path, ["a"]):
        with pytest.raises(BusyError, match=r"still at work \(process \d+, since "), alone(tmp_path, ["a"]):
            pass
        with alone(tmp_path, ["b"]):
            pass
    with alone(tmp_path, ["a"]):
        pass


def test_a_file_system_without_locks_hinders_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError("not supported")))
    with alone(tmp_path, ["a"]), alone(tmp_path, ["a"]):
        pass
