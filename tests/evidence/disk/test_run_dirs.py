"""Run directories: found in every kind of folder, told from older ones, and read whatever their state."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.evidence.disk.run_dirs import (
    find_run_dirs,
    read_local_run,
    read_local_runs,
    snapshot_run_dirs,
    wandb_folders,
)
from harness.evidence.redaction.redactor import redact
from tests.in_ci import real_part

NAME = "run-20261123_184722-abc123"


def make_run(wandb: Path, name: str = NAME, run_id: str = "abc123", log: bytes = b"") -> Path:
    run = wandb / name
    (run / "files").mkdir(parents=True)
    (run / "logs").mkdir()
    (run / f"run-{run_id}.wandb").write_bytes(log)
    return run


@pytest.fixture
def wandb(tmp_path: Path) -> Path:
    folder = tmp_path / "job" / "wandb"
    folder.mkdir(parents=True)
    return folder


def test_a_run_is_found_from_every_kind_of_folder(wandb: Path) -> None:
    run = make_run(wandb)
    (wandb / "latest-run").symlink_to(run)
    (wandb / "debug.log").write_text("")
    (wandb / "settings").write_text("")
    for start in (wandb, wandb.parent, wandb.parent.parent, run, run / "run-abc123.wandb"):
        assert find_run_dirs(start) == [run], start


def test_several_folders_of_jobs_are_all_looked_through(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a" / "wandb", "run-20261123_100000-aaa", "aaa")
    second = make_run(tmp_path / "b" / ".wandb", "offline-run-20261122_100000-bbb", "bbb")
    assert find_run_dirs(tmp_path) == [second, first]


def test_a_renamed_run_directory_is_known_by_its_log(tmp_path: Path) -> None:
    run = make_run(tmp_path, "kept for support")
    assert find_run_dirs(run) == [run]
    assert read_local_run(run, redact).run_id == "abc123"


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find_run_dirs(tmp_path) == []
    assert find_run_dirs(tmp_path / "missing") == []
    (tmp_path / "file").write_text("")
    assert find_run_dirs(tmp_path / "file") == []


def test_five_thousand_runs_are_found_in_order(wandb: Path) -> None:
    for n in range(5000):
        (wandb / f"run-20261123_{n // 3600:02d}{n // 60 % 60:02d}{n % 60:02d}-r{n}").mkdir()
    found = find_run_dirs(wandb.parent)
    assert len(found) == 5000
    assert found[0].name.endswith("-r0")
    assert found[-1].name.endswith("-r4999")


@pytest.mark.parametrize(
    ("name", "log_id", "run_id", "offline"),
    [
        ("run-20261123_184722-abc123", "abc123", "abc123", False),
        ("offline-run-20261123_184722-abc123", "abc123", "abc123", True),
        ("offline-run-20261123_184722-same-1", "same", "same", True),
        ("run-20261123_184722-my-run-1", "my-run-1", "my-run-1", False),
    ],
)
def test_the_name_tells_id_and_mode(wandb: Path, name: str, log_id: str, run_id: str, offline: bool) -> None:
    run = read_local_run(make_run(wandb, name, log_id), redact)
    assert (run.run_id, run.offline) == (run_id, offline)
    assert time.strftime("%Y%m%d_%H%M%S", time.localtime(run.started_at)) == "20261123_184722"


def test_markers_files_and_console_lines(wandb: Path) -> None:
    run = make_run(wandb)
    (run / "run-abc123.wandb.synced").write_text("")
    (run / "run-abc123.wandb.syncstate").write_text("{}")
    (run / "files" / "output.log").write_text("one\ntwo\nthree")
    (run / "files" / "media").mkdir()
    (run / "files" / "media" / "x.png").write_text("")
    (run / "files" / "wandb-summary.json").write_text("{}")
    (run / "files" / "wandb-metadata.json").write_text(
        '{"host": "nid005000", "email": "a@b.org", "args": ["0123456789abcdef0123456789abcdef01234567"],'
        ' "memory": NaN, "disk": 1e999}'
    )
    found = read_local_run(run, redact)
    assert (found.synced_marker, found.syncstate, found.console_lines) == (True, True, 3)
    assert found.files == ("media/x.png", "output.log", "wandb-metadata.json", "wandb-summary.json")
    assert found.metadata == {
        "host": "nid005000", "args": ["[redacted]"], "memory": "NaN", "disk": "Infinity",
    }  # fmt: skip
    assert found.troubles == ()


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "\x00", '{"a": 1'])
def test_broken_files_are_troubles_not_crashes(wandb: Path, text: str) -> None:
    run = make_run(wandb)
    (run / "files" / "wandb-metadata.json").write_text(text)
    found = read_local_run(run, redact)
    assert found.metadata == {}
    assert [t.where for t in found.troubles] == [str(run / "files" / "wandb-metadata.json")]


HALVED = "0123456789abcdef" * 2 + "01234567"


def test_large_files_are_cut(wandb: Path) -> None:
    run = make_run(wandb)
    for n in range(300):
        (run / "files" / f"f{n:03d}").write_text("")
    many = {f"k{n}": "x" * 1990 + f" {HALVED} " + "x" * 3000 for n in range(1000)}
    (run / "files" / "wandb-metadata.json").write_text(json.dumps({"many": many}))
    found = read_local_run(run, redact)
    assert len(found.files) == 200
    assert len(found.metadata["many"]) == 500
    assert found.metadata["many"]["k0"] == "x" * 1990, "half a key is no key to the redaction"


def test_an_empty_directory_is_a_run_without_a_log(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    found = read_local_run(tmp_path / NAME, redact)
    assert (found.run_id, found.log.status, found.console_lines, found.metadata) == ("abc123", "missing", 0, {})


def test_only_what_the_job_made_is_its_own(wandb: Path) -> None:
    make_run(wandb, "run-20261120_100000-old", "old")
    before = snapshot_run_dirs([wandb])
    begun = time.time()
    make_run(wandb, "run-20261123_100000-new", "new")
    copied = make_run(wandb, "run-20261121_100000-copied", "copied")
    os.utime(copied, (begun - 3600, begun - 3600))
    reading = read_local_runs([wandb], before=before, since=begun, scrub=redact)
    assert [run.run_id for run in reading.runs] == ["new"]
    assert (reading.older_runs, reading.status, reading.folders) == (2, "read", (str(wandb),))


def test_a_run_that_the_output_announced_is_read_wherever_it_is(wandb: Path, tmp_path: Path) -> None:
    elsewhere = make_run(tmp_path / "far" / "wandb", "offline-run-20261123_100000-far", "far")
    missing = tmp_path / "gone" / "run-20261123_100000-gone"
    reading = read_local_runs(
        [wandb], before=frozenset(), since=None, scrub=redact, extra=[elsewhere, missing, elsewhere]
    )
    assert [run.run_id for run in reading.runs] == ["far"]


def test_folders_need_not_exist(tmp_path: Path) -> None:
    missing = [tmp_path / "a", tmp_path / "b"]
    assert snapshot_run_dirs(missing) == frozenset()
    reading = read_local_runs(missing, before=frozenset(), since=None, scrub=redact)
    assert (reading.status, reading.runs) == ("folder_missing", ())


def test_more_runs_than_the_limit_are_told(wandb: Path) -> None:
    for n in range(6):
        make_run(wandb, f"run-20261123_10000{n}-r{n}", f"r{n}")
    reading = read_local_runs([wandb], before=frozenset(), since=None, scrub=redact, limit=4)
    assert [run.run_id for run in reading.runs] == ["r0", "r1", "r2", "r3"]
    assert "6 run directories" in reading.troubles[0].text


def test_the_folder_is_where_the_sdk_would_put_it(tmp_path: Path) -> None:
    folders = wandb_folders({"TMPDIR": str(tmp_path)}, Path("/job"), Path("/job/../scratch/x"))
    assert folders[0] == Path("/scratch/x/wandb")
    assert tmp_path / "wandb" in folders
    (tmp_path / ".wandb").mkdir()
    assert wandb_folders({}, tmp_path, tmp_path)[0] == tmp_path / ".wandb"
    assert wandb_folders({"WANDB_USE_DOT_WANDB": "false"}, tmp_path, tmp_path)[0] == tmp_path / "wandb"


@real_part
def test_a_real_offline_run_is_read(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "WANDB_MODE": "offline", "WANDB_X_DISABLE_STATS": "true",
        "WANDB_X_DISABLE_META": "true", "WANDB_DISABLE_GIT": "true",
    }  # fmt: skip
    code = "import wandb\nrun = wandb.init(project='p')\nrun.log({'loss': 1.0})\nprint('hello')\nrun.finish()\n"
    folders = wandb_folders(environment, tmp_path, tmp_path)[:2]
    before = snapshot_run_dirs(folders)
    begun = time.time()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    (run,) = read_local_runs(folders, before=before, since=begun, scrub=redact).runs
    assert (run.offline, run.synced_marker) == (True, False)
    assert (run.log.status, run.log.history_rows) == ("complete", 1)
    assert run.sdk_logs.sdk_version == run.log.sdk_version
    assert run.sdk_logs.settings["exit_code"] == 0
