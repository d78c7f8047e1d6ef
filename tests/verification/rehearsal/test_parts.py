"""The parts of a rehearsal that need no job: the folder of a case, the place where a job hung, and the comparison."""

import os
import time

import pytest

from harness.evidence.models import LocalRun
from harness.loopback.store import Store
from harness.settings.model import Settings
from harness.verification.rehearsal.compare import missing, on_disk, on_server, rows
from harness.verification.rehearsal.ground import case_settings
from harness.verification.rehearsal.play import stuck
from tests.judging.build import disk_series, local_run, log

START = 1000.0
DUMP = """\
Epoch 1
Fatal Python error: Aborted

Thread 0x00007f (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 331 in wait

Current thread 0x00007e (most recent call first):
  File "/usr/lib/python3.11/concurrent/futures/_base.py", line 451 in result
  File "/venv/lib/python3.11/site-packages/wandb/sdk/artifacts/artifact.py", line 90 in wait
  File "/home/me/train.py", line 12 in train
  File "/home/me/train.py", line 20 in <module>
"""


@pytest.fixture
def settings(tmp_path):
    cwd = tmp_path / "work"
    (cwd / "src").mkdir(parents=True)
    for name in ("train.py", "src/net.py", "checkpoint.pt", "data.h5"):
        (cwd / name).write_text(name)
        os.utime(cwd / name, (START - 1, START - 1))
    os.utime(cwd / "checkpoint.pt", (START + 1, START + 1))
    (cwd / "wandb").mkdir()
    return Settings(target="local", source="job", server="loopback", cwd=cwd, job=cwd / "train.py")


def test_a_case_starts_with_what_the_first_job_found_and_without_what_it_left(settings, tmp_path):
    case = case_settings(settings, tmp_path / "case", settings.cwd, START)
    assert (case.cwd, case.job) == (tmp_path / "case", tmp_path / "case" / "train.py")
    found = {str(path.relative_to(case.cwd)) for path in case.cwd.rglob("*")}
    assert found == {"train.py", "src", "src/net.py", "data.h5"}


def test_a_folder_that_the_first_job_made_is_left_out(settings, tmp_path):
    (settings.cwd / "old").mkdir()
    since = time.time() + 0.01
    time.sleep(0.05)
    (settings.cwd / "new" / "below").mkdir(parents=True)
    (settings.cwd / "old" / "log.txt").touch()
    case = case_settings(settings, tmp_path / "case", settings.cwd, since)
    assert ((case.cwd / "old").is_dir(), (case.cwd / "new").exists()) == (True, False)


def test_what_a_case_writes_does_not_change_the_users_files(settings, tmp_path):
    case = case_settings(settings, tmp_path / "case", settings.cwd, START)
    (case.cwd / "src" / "net.py").write_text("other")
    assert (settings.cwd / "src" / "net.py").read_text() == "src/net.py"


def test_large_files_are_linked(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.verification.rehearsal.ground.LARGEST", 1)
    case = case_settings(settings, tmp_path / "case", settings.cwd, START)
    assert (case.cwd / "data.h5").resolve() == settings.cwd / "data.h5"


def test_a_report_folder_within_the_users_folder_is_not_copied_into_itself(settings):
    place = settings.cwd / "report" / "rehearsal" / "1" / "job"
    case_settings(settings, place, settings.cwd, START)
    assert not (place / "report").exists()


def test_the_stack_that_passes_through_the_sdk_says_where_a_job_hung():
    assert stuck(DUMP) == [
        "/usr/lib/python3.11/concurrent/futures/_base.py, line 451 in result",
        "/venv/lib/python3.11/site-packages/wandb/sdk/artifacts/artifact.py, line 90 in wait",
        "/home/me/train.py, line 12 in train",
        "/home/me/train.py, line 20 in <module>",
    ]
    assert stuck("Epoch 1\n") == []


ENDED = """\
Traceback (most recent call last):
  File "/home/me/train.py", line 2, in <module>
wandb.errors.errors.CommError: timed out
Fatal Python error: Aborted

Current thread 0x00007e (most recent call first):
  File "/usr/lib/python3.11/subprocess.py", line 1264 in wait
  File "/venv/lib/python3.11/site-packages/wandb/sdk/lib/service/service_connection.py", line 73 in teardown_atexit
"""


def test_a_traceback_is_no_stack_and_a_script_that_has_ended_hangs_in_the_sdk():
    assert stuck(ENDED)[-1].endswith("service_connection.py, line 73 in teardown_atexit")


def stored(*losses):
    return [Store().seed_run("me", "vit", "a", history=[{"_step": n, "loss": loss} for n, loss in enumerate(losses)])]


def on_the_disk(*losses) -> list[LocalRun]:
    return [local_run(run_id="a", log=log(series={"loss": disk_series("loss", losses)}))]


def test_points_are_compared_one_by_one():
    disk = on_disk(on_the_disk(3.0, 2.0, "NaN"))
    assert list(missing(disk, on_server(stored(3.0, 2.0, "NaN")))) == []
    (late,) = missing(disk, on_server(stored(3.0, 2.0)))
    assert (late.step, late.on_disk, late.on_server) == (2, "NaN", None)
    (other,) = missing(disk, on_server(stored(3.0, 7.0, "NaN")))
    assert (other.step, other.on_disk, other.on_server) == (1, 2.0, 7.0)
    assert rows(stored(3.0, 2.0)) == 2
