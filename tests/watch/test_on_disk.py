"""What the watch reads on disk of a Slurm job: its output tells the run; its log is counted where the server stands."""

from pathlib import Path

import pytest

from harness.evidence.disk import newest_job
from harness.judging.live.life import Beat, Life
from harness.watch.on_disk import OnDisk
from harness.watch.subjects import Subject
from harness.watch.track import Track
from tests.judging.build import local, local_run, log

SAID = """\
wandb: Run data is saved locally in {folder}/wandb/run-20261129_120000-{run}
wandb: 🚀 View run at https://api.wandb.ai/team/vit/runs/{run}
"""
NOW = 10_000.0


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    (tmp_path / "slurm-42.out").write_text(SAID.format(folder=tmp_path, run="first"))
    return Subject("42", "job", Track(NOW))


def looking(folder: Path) -> OnDisk:
    return OnDisk(lambda text: text, lambda _job: [folder / "slurm-42.out"])


def test_the_newest_run_that_the_output_announces_is_watched(subject, tmp_path):
    look = looking(tmp_path)
    look.look(subject, NOW)
    assert subject.run == ("team", "vit", "first")
    subject.track.scheduler, before = "RUNNING", subject.track
    look.look(subject, NOW + 5)
    assert subject.track is before
    with (tmp_path / "slurm-42.out").open("a") as output:
        output.write(SAID.format(folder=tmp_path, run="second"))
    look.look(subject, NOW + 10)
    assert subject.run == ("team", "vit", "second")
    assert (subject.track is before, subject.track.scheduler) == (False, "RUNNING")


@pytest.mark.parametrize(("age", "rows"), [(5.0, 0), (100.0, 900)])
def test_the_log_is_counted_only_where_the_server_stands(subject, tmp_path, monkeypatch, age, rows):
    (tmp_path / "wandb" / "run-20261129_120000-first").mkdir(parents=True)
    run = local_run(log=log(history_rows=900, history_last_time=NOW))
    monkeypatch.setattr(newest_job, "read_folder", lambda _folder, _scrub: local(run))
    look = looking(tmp_path)
    look.look(subject, NOW)
    subject.life = Life(now=NOW, steps=Beat(NOW - age, count=500))
    look.look(subject, NOW)
    assert subject.track.disk.count == rows
