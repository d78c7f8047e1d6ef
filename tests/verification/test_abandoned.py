"""The mark in a report folder, and what the next start tells of a verification that was killed."""

import json
import os
import platform
import subprocess
import sys

import pytest

from harness.evidence.server.reader import temporary_prefix
from harness.settings.model import SettingsError
from harness.targets.process import TOKEN, token_of
from harness.verification import abandoned


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / ".harness" / "first"
    folder.mkdir(parents=True)
    return folder


def changed(folder, **change):
    """Put the mark of a process that has ended."""
    abandoned.put(folder)
    path = folder / abandoned.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def test_nothing_is_told_of_a_verification_that_ended_by_itself(folder, tmp_path):
    abandoned.put(folder)
    abandoned.take_away(folder)
    assert list(folder.iterdir()) == []
    assert abandoned.found(folder, tmp_path) == []


def test_a_verification_that_is_under_way_keeps_others_out_of_its_folder(folder, tmp_path):
    abandoned.put(folder)
    with pytest.raises(SettingsError, match=f"process {os.getpid()}"):
        abandoned.put(folder)
    assert abandoned.found(tmp_path / "other", tmp_path) == []


@pytest.mark.parametrize("change", [{"pid": 2**22 + 1}, {"start": "another boot/1"}])
def test_a_killed_one_is_told_of_with_the_command_that_cleans_up(folder, tmp_path, change):
    changed(folder, **change)
    text = "\n".join(abandoned.found(tmp_path / "other", tmp_path))
    assert "was killed before its end" in text
    assert f"rm -r {folder}" in text


def test_its_own_folder_is_not_to_be_removed_for_it_is_used_again(folder, tmp_path):
    changed(folder, start="another boot/1")
    assert "rm -r" not in "\n".join(abandoned.found(folder, tmp_path))
    abandoned.put(folder)
    assert abandoned.found(folder, tmp_path) == []


def test_temporary_folders_of_a_killed_one_are_named(folder, tmp_path):
    lost = tmp_path / f"{temporary_prefix(7)}reader-x"
    lost.mkdir()
    changed(folder, pid=7, start="another boot/1", temporary=str(tmp_path))
    assert str(lost) in "\n".join(abandoned.found(folder, tmp_path))


def test_processes_of_its_job_that_still_run_are_named(folder, tmp_path):
    changed(folder, start="another boot/1")
    mark = {TOKEN: token_of(folder / "job.log")}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**os.environ, **mark}) as job:
        text = "\n".join(abandoned.found(folder, tmp_path))
    assert f"kill -KILL {job.pid}" in text


@pytest.mark.parametrize(("submitted_at", "told"), [(1e12, True), (0.0, False)])
def test_its_slurm_job_is_named(folder, tmp_path, monkeypatch, submitted_at, told):
    monkeypatch.setenv("PATH", str(tmp_path))  # Slurm does not answer here
    changed(folder, start="another boot/1")
    (folder / "slurm.json").write_text(json.dumps({"job_id": "4711", "submitted_at": submitted_at}))
    assert ("scancel 4711" in "\n".join(abandoned.found(folder, tmp_path))) is told


def test_of_another_host_nothing_is_claimed(folder, tmp_path):
    changed(folder, host=f"not-{platform.node()}")
    text = "\n".join(abandoned.found(folder, tmp_path))
    assert "if it no longer runs there" in text
    assert "killed" not in text


def test_many_killed_ones_are_counted(tmp_path):
    for number in range(5):
        folder = tmp_path / ".harness" / str(number)
        folder.mkdir(parents=True)
        changed(folder, start="another boot/1")
    assert abandoned.found(tmp_path / "new", tmp_path)[-1].startswith("and 2 more")


def test_a_foreign_file_of_that_name_is_no_mark(folder, tmp_path):
    (folder / abandoned.NAME).write_text("[1, 2")
    assert abandoned.found(folder, tmp_path) == []
