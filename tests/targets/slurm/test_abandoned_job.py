"""What the next start tells of the Slurm job of a verification that was killed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.targets.slurm.abandoned_job import job_left
from tests.targets.slurm.double import Double, queued

AWAY = {"code": 1, "err": "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"}
GONE = {"code": 1, "err": "slurm_load_jobs error: Invalid job id specified"}


@pytest.fixture
def double(tmp_path: Path) -> Double:
    return Double(tmp_path / "bin")


def noted(folder: Path, job_id: str) -> None:
    """A record as a killed verification leaves it."""
    record = {"job_id": job_id, "submitted_at": time.time(), "script": "/scratch/me/job.sh"}
    (folder / "slurm.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (queued("RUNNING"), "its Slurm job 4242 is RUNNING: scancel 4242, or verify it with --lumi-attach 4242"),
        (queued("COMPLETED"), None),
        (GONE, None),
        (AWAY, f"its Slurm job 4242 may still run (squeue: {AWAY['err']}): scancel 4242"),
    ],
)
def test_slurm_says_whether_the_job_is_still_there(tmp_path, double, answer, words):
    noted(tmp_path, "4242")
    double.says("squeue", answer)
    told = job_left(tmp_path, 0.0, double.env())
    assert (told is None) if words is None else (told or "").startswith(words)


def test_of_several_jobs_the_last_one_may_still_run(tmp_path, double):
    (tmp_path / "rehearsal").mkdir()
    noted(tmp_path, "4242")
    noted(tmp_path / "rehearsal", "4243")
    double.says("squeue", queued("RUNNING"))
    assert "4243" in (job_left(tmp_path, 0.0, double.env()) or "")


def test_a_job_whose_number_was_never_learnt_is_found_by_its_script(tmp_path, double):
    noted(tmp_path, "")
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 1))
    double.says(
        "squeue", {"out": f"7|{now}|/scratch/other.sh\n4242|{now}|/scratch/me/job.sh\n"}, queued("PENDING", "Priority")
    )
    assert "scancel 4242" in (job_left(tmp_path, 0.0, double.env()) or "")
    double.says("squeue", {"out": f"7|{now}|/scratch/other.sh\n"})
    assert job_left(tmp_path, 0.0, double.env()) is None


def test_a_job_of_an_earlier_verification_is_not_this_ones(tmp_path, double):
    noted(tmp_path, "4242")
    assert job_left(tmp_path, time.time() + 60, double.env()) is None
    assert not double.calls()
