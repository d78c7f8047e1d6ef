"""The Slurm target against a scripted double: what it asks, how often, and what it makes of the answers."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest

from harness.settings.model import Settings, SettingsError, SlurmSettings
from harness.targets.slurm.commands import Answer, Slurm
from harness.targets.slurm.container import PYTHON, Image
from harness.targets.slurm.output import OutputFile
from harness.targets.slurm.preflight import refuse_unknown_job
from tests.targets.slurm.double import accounted, queued, shown
from tests.targets.slurm.targets import passes, target


def test_at_most_one_command_every_ten_seconds_while_pending(tmp_path, double, clock):
    with target(tmp_path, double, clock) as job:
        before = len(double.calls())
        passes(job, clock, 120)
        asked = len(double.calls()) - before
        double.says("squeue", queued("CANCELLED"))
    assert 4 <= asked <= 12


def test_pending_reason_is_told_in_words(tmp_path, double, clock):
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 3)
        assert "other jobs are ahead" in job.phase()
        double.says("squeue", queued("CANCELLED"))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Priority", "job 4242 pending, start expected Sat 01 Jan 12:00: other jobs are ahead in the queue (Priority)"),
        ("AssocGrpGRESMinutes",
         "job 4242 pending, will not start by itself: the project's allocation is used up (AssocGrpGRESMinutes)"),
        ("SomethingNew", "job 4242 pending, start expected Sat 01 Jan 12:00: SomethingNew"),
    ],
)  # fmt: skip
def test_a_start_is_expected_only_of_what_time_mends(tmp_path, double, clock, reason, expected):
    double.says("squeue", queued("PENDING", reason, start="2050-01-01T12:00:00"))
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 3)
        assert job.phase() == expected
        double.says("squeue", queued("CANCELLED"))


def test_queue_limit_ends_in_a_clean_cancel(tmp_path, double, clock):
    double.says("squeue", *[queued("PENDING", "Priority")] * 3, queued("CANCELLED", "None"))
    with target(tmp_path, double, clock, queue_timeout_min=0.5) as job:
        passes(job, clock, 90)
        assert not job.running()
    told = job.job()
    assert double.calls("scancel")
    assert told.ending == "pending"
    assert "--lumi-queue-timeout" in (told.stopped_by_harness or "")
    assert told.slurm
    assert told.slurm.states[-1].state == "PENDING"


def test_refusal_is_evidence_in_slurms_words(tmp_path, double, clock):
    words = "sbatch: error: Batch job submission failed: Requested node configuration is not available"
    double.says("sbatch", {"code": 1, "err": words})
    with target(tmp_path, double, clock) as job:
        assert not job.running()
    told = job.job()
    assert told.ending == "refused"
    assert told.slurm
    assert told.slurm.submit_stderr == words
    assert not double.calls("scancel")


def test_missing_image_is_not_submitted(tmp_path, double, clock):
    with target(tmp_path, double, clock, container=tmp_path / "gone.sif") as job:
        assert not job.running()
    assert not double.calls("sbatch")
    assert "gone.sif" in (job.job().stopped_by_harness or "")


def test_end_is_read_from_sacct(tmp_path, double, clock):
    double.says("squeue", queued("RUNNING", nodes="nid005000"), queued("COMPLETED"))
    double.says("scontrol", shown("COMPLETED"))
    double.says("sacct", accounted("COMPLETED", "0:0", "4242.batch|COMPLETED|0:0"))
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 60)
        assert not job.running()
        assert job.started()
    told = job.job()
    assert (told.ending, told.exit_code) == ("completed", 0)
    assert told.slurm
    assert told.slurm.gpu_hours == pytest.approx(4 * 20 / 3600 / 2, abs=1e-4)
    assert not double.calls("scancel")


@pytest.mark.parametrize(
    ("state", "steps", "ending"),
    [
        ("TIMEOUT", (), "timeout"),
        ("CANCELLED by 1000", (), "cancelled"),
        ("NODE_FAIL", (), "node_fail"),
        ("OUT_OF_MEMORY", (), "out_of_memory"),
        ("FAILED", ("4242.0|OUT_OF_MEMORY|0:125",), "out_of_memory"),
        ("FAILED", (), "failed"),
        ("PREEMPTED", (), "cancelled"),
    ],
)
def test_endings(tmp_path, double, clock, state, steps, ending):
    double.says("squeue", {"code": 1, "err": "slurm_load_jobs error: Invalid job id specified"})
    double.says("scontrol", {"code": 1})
    double.says("sacct", accounted(state, "0:0", *steps))
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 5)
    assert job.job().ending == ending


def test_job_that_told_of_its_end_is_seen_at_once(tmp_path, double, clock):
    double.says("squeue", queued("RUNNING"), queued("COMPLETED"))
    double.says("scontrol", shown("COMPLETED"))
    double.says("sacct", accounted("COMPLETED"))
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 3)
        (tmp_path / "report/job.ended").write_text("4242 0 0\n")
        passes(job, clock, 1)
        assert not job.running()


def test_controller_away_does_not_lose_the_job(tmp_path, double, clock):
    away = {"code": 1, "err": "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"}
    double.says("squeue", queued("RUNNING"), *[away] * 5, queued("COMPLETED"))
    double.says("scontrol", shown("COMPLETED"))
    double.says("sacct", accounted("COMPLETED"))
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 3)
        assert job.phase() == "job 4242 running"
        passes(job, clock, 15)
        assert job.phase() == "job 4242 running: Slurm does not answer now; the job is not lost"
        passes(job, clock, 400)
        assert not job.running()
    told = job.job()
    assert told.ending == "completed"
    assert job.phase() == "job 4242 completed"
    assert told.slurm
    assert "Unable to contact" in told.slurm.troubles[0].text


def test_controller_that_stays_away_after_the_end(tmp_path, double, clock):
    away = {"code": 1, "err": "Unable to contact slurm controller"}
    double.says("squeue", queued("RUNNING"), away)
    double.says("scontrol", away)
    double.says("sacct", away)
    with target(tmp_path, double, clock) as job:
        passes(job, clock, 3)
        (tmp_path / "report/job.ended").write_text("4242 0 3\n")
        passes(job, clock, 300)
        assert not job.running()
    assert (job.job().ending, job.job().exit_code) == ("failed", 3)


def test_leaving_cancels_and_tells_so(tmp_path, double, clock):
    double.says("squeue", queued("CANCELLED"))
    with pytest.raises(KeyboardInterrupt) as caught, target(tmp_path, double, clock):
        raise KeyboardInterrupt
    assert str(caught.value) == "Slurm job 4242 was cancelled"
    assert double.calls("scancel")[0][2] == ["4242"]


def test_keeping_tells_how_to_come_back(tmp_path, double, clock):
    with pytest.raises(KeyboardInterrupt) as caught, target(tmp_path, double, clock, keep=True):
        raise KeyboardInterrupt
    assert "pytest checks --lumi-attach 4242" in str(caught.value)
    assert not double.calls("scancel")


def test_the_way_back_names_a_report_folder_of_ones_own(tmp_path, double, clock):
    with pytest.raises(KeyboardInterrupt) as caught, target(tmp_path, double, clock, keep=True):
        raise KeyboardInterrupt
    assert str(caught.value).endswith(f"--lumi-attach 4242 --report {tmp_path / 'report'}")


def test_leaving_tells_the_cost(tmp_path, double, clock):
    double.says("squeue", queued("RUNNING"), queued("CANCELLED"))
    double.says("sacct", accounted("CANCELLED by 1000"))
    with pytest.raises(KeyboardInterrupt) as caught, target(tmp_path, double, clock):
        raise KeyboardInterrupt
    assert str(caught.value) == "Slurm job 4242 was cancelled; it cost 0.01 GPU-hours"


def test_a_trace_is_left_before_sbatch_is_called(tmp_path, double, clock, monkeypatch):
    seen = []
    monkeypatch.setattr(
        Slurm, "submit", lambda *_: seen.append((tmp_path / "report/slurm.json").read_text()) or Answer(("sbatch",), 1)
    )
    with target(tmp_path, double, clock):
        pass
    assert json.loads(seen[0])["job_id"] == ""
    assert not (tmp_path / "report/slurm.json").exists()


@pytest.mark.parametrize(
    ("squeue", "sacct", "refused"),
    [
        ({"code": 1, "err": "slurm_load_jobs error: Invalid job id specified"}, {"out": ""}, True),
        ({"code": 1, "err": "slurm_load_jobs error: Invalid job id specified"}, accounted("COMPLETED"), False),
        ({"code": 1, "err": "slurm_load_jobs error: Unable to contact slurm controller"}, {"out": ""}, False),
        (queued("RUNNING"), {"out": ""}, False),
    ],
)
def test_a_job_that_nobody_knows_is_refused(tmp_path, double, squeue, sacct, refused):
    double.says("squeue", squeue)
    double.says("sacct", sacct)
    settings = Settings(target="slurm", source="job", server="real", cwd=tmp_path, slurm=SlurmSettings(attach="4242"))
    with pytest.raises(SettingsError, match="4242") if refused else nullcontext():
        refuse_unknown_job(settings, double.env())


def test_cancel_that_fails_is_told(tmp_path, double, clock):
    double.says("scancel", {"code": 1, "err": "scancel: error: Unable to contact slurm controller"})
    with pytest.raises(KeyboardInterrupt) as caught, target(tmp_path, double, clock):
        raise KeyboardInterrupt
    assert "scancel 4242" in str(caught.value)


def test_key_is_only_in_the_environment(tmp_path, double, clock):
    with target(tmp_path, double, clock) as job:
        double.says("squeue", queued("CANCELLED"))
        told = job.job().model_dump_json()
    files = [p.read_text() for p in (tmp_path / "report").rglob("*") if p.is_file()]
    assert not any("k" * 40 in text for text in (told, str(double.calls()), *files))


def test_users_sbatch_variables_do_not_reach_our_script(tmp_path, double, clock, monkeypatch):
    seen = {}
    real = Slurm.run

    def spy(self, argv, timeout_s=30.0, env=None, cwd=None):
        seen.setdefault(argv[0], env)
        return real(self, argv, timeout_s, env, cwd)

    monkeypatch.setattr(Slurm, "run", spy)
    with target(tmp_path, double, clock):
        double.says("squeue", queued("CANCELLED"))
    assert "SBATCH_PARTITION" not in seen["sbatch"]
    assert seen["sbatch"]["WANDB_API_KEY"]


def test_output_that_begins_anew_is_followed(tmp_path):
    file = tmp_path / "out"
    output = OutputFile(file)
    assert output.new_lines() == []
    file.write_text("one\ntwo\n")
    assert output.new_lines() == ["one", "two"]
    file.write_text("new\n")
    assert output.new_lines() == ["new"]
    assert output.restarts == 1
    output.close()


@pytest.mark.parametrize(
    ("script", "submitted"), [(None, False), ("import wandb", False), ("import sys; sys.path[:0] = ['w']", True)]
)
def test_an_image_without_wandb_gets_no_job(tmp_path, double, clock, script, submitted):
    image = tmp_path / "torch.sif"
    image.write_text("")
    seen = Image(image, exists=True, wandb="missing", told_by=PYTHON)
    (tmp_path / "train.py").write_text(script or "")
    with target(tmp_path, double, clock, seen, job=tmp_path / "train.py" if script else None) as job:
        double.says("squeue", queued("CANCELLED"))
        told = job.job()
    assert (told.ending != "refused") is submitted
    assert ("has no wandb" in (told.stopped_by_harness or "")) is not submitted


def test_scancel_is_only_ever_called_with_what_was_submitted(tmp_path, double, clock):
    """A job that was attached to is left alone, on every way out."""
    double.says("sbatch", {"out": "4242\n"})
    double.says("squeue", queued("RUNNING"), queued("CANCELLED"))
    with target(tmp_path, double, clock) as mine:
        mine.cancel("enough")
    assert {tuple(argv) for _, _, argv in double.calls("scancel")} == {("4242",)}
    double.says("squeue", queued("RUNNING"))
    with target(tmp_path, double, clock, attach="777"):
        pass
    with target(tmp_path, double, clock, attach="777") as theirs:
        theirs.cancel("enough")
    assert {tuple(argv) for _, _, argv in double.calls("scancel")} == {("4242",)}
