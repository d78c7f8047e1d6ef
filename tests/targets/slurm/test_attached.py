"""A job that was submitted earlier, against a scripted double: what is asked, and what becomes of late answers."""

from __future__ import annotations

from harness.targets.slurm import record
from harness.targets.slurm.commands import Answer, Slurm
from harness.targets.slurm.facts import Facts
from harness.targets.slurm.left_behind import LeftBehind
from tests.targets.slurm.double import queued, shown
from tests.targets.slurm.targets import passes, target


def test_a_running_job_of_somebodys_own_is_judged_as_it_stands(tmp_path, double, clock):
    double.says("squeue", queued("RUNNING"))
    with target(tmp_path, double, clock, attach="4242") as job:
        passes(job, clock, 30)
        assert not job.running()
    assert job.job().ending == "running"
    assert not double.calls("scancel")


def test_accounting_that_comes_late_still_tells_how_the_job_was_submitted(tmp_path, double, clock):
    """22.05's controller does not show sbatch's command line; sacct lags behind a job that has just ended."""
    double.says("squeue", queued("FAILED"))
    double.says("scontrol", shown("FAILED"))
    row = "JobID|State|ExitCode|SubmitLine\n4242|FAILED|1:0|sbatch --export=NONE job.sh\n"
    double.says("sacct", *[{"out": ""}] * 3, {"out": row})  # nothing yet of the job, its script and its environment
    with target(tmp_path, double, clock, attach="4242") as job:
        passes(job, clock, 30)
    assert job.job().slurm.kept_out == ("--export=NONE",)


def test_a_sacct_that_does_not_answer_is_waited_for_once(tmp_path, double, clock, monkeypatch):
    double.says("squeue", queued("COMPLETED"))
    double.says("scontrol", shown("COMPLETED"))
    late = Answer(("sacct",), None, err="sacct did not answer within 30 s")
    real, asked = Slurm.run, []

    def slow(self, argv, *more):
        if argv[0] != "sacct":
            return real(self, argv, *more)
        asked.append(argv)
        self.silent.add("sacct")
        return late

    monkeypatch.setattr(Slurm, "run", slow)
    with target(tmp_path, double, clock, attach="4242") as job:
        passes(job, clock, 30)
    told = job.job()
    assert (told.ending, len(asked)) == ("completed", 1)
    assert [one.text for one in told.slurm.troubles] == [late.err]


def test_a_component_writes_to_the_output_of_the_first_one(tmp_path, double, clock):
    """The batch script runs on the first component's node, and Slurm names a file for each that nobody writes."""
    others = f"{'4242+0':64}{'vit':256}{tmp_path}/slurm-4242.out\n"
    double.says("squeue", {"out": others}, {"out": "4242+1|COMPLETED|N/A|0:00|10:00|nid005000|None\n"})
    (tmp_path / "slurm-4242.out").write_text("Epoch 1\n")
    mine, first = (shown("COMPLETED", JobId=n, StdErr="", StdOut=f"{tmp_path}/slurm-{n}.out") for n in ("4243", "4242"))
    double.says("scontrol", mine, mine, first, mine)  # asked for the job, its script, the first component, the end
    with target(tmp_path, double, clock, attach="4242+1") as job:
        assert job.new_lines() == ["Epoch 1"]
    asked = [argv[-1] for _, _, argv in double.calls("scontrol") if argv[0] == "show"]
    assert asked[:2] == ["4242+1", "4242+0"]
    kept = Facts(job_id="4242+1", left=LeftBehind(folder=tmp_path))
    assert kept.outputs() == (tmp_path / "slurm-4242.out",), "so it is where only accounting knows the job"


def test_a_job_of_the_harness_itself_is_followed_to_its_end(tmp_path, double, clock):
    (tmp_path / "report").mkdir()
    record.write(tmp_path / "report", record.Record(job_id="4242", token="harness-1", submitted_at=1000.0))
    double.says("squeue", queued("RUNNING"))
    with target(tmp_path, double, clock, attach="4242") as job:
        passes(job, clock, 60)
        assert job.running()
