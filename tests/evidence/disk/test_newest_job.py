"""Of a folder that holds the runs of many jobs, the newest job's are judged."""

from harness.evidence.disk.newest_job import of_newest_job
from harness.evidence.models.wandb_log import LocalEnvironment
from tests.judging.build import local_run, log


def made(run_id: str, started_at: float, *, touched_at: float | None = None, job: str = "", **change):
    """A run directory of this age, of this Slurm job."""
    environment = LocalEnvironment(slurm={"job_id": job} if job else {})
    own = log(environment=environment, **change)
    return local_run(run_id=run_id, started_at=started_at, touched_at=touched_at, log=own)


def kept(*runs) -> list[str]:
    return [run.run_id for run in of_newest_job(runs)]


def test_runs_that_began_together_are_one_jobs():
    assert kept(made("a", 100.0), made("b", 105.0), made("old", 20.0)) == ["a", "b"]


def test_a_run_that_had_ended_when_the_newest_began_is_an_earlier_jobs():
    ended = made("a", 100.0, touched_at=104.0)
    assert kept(ended, made("b", 105.0, touched_at=120.0)) == ["b"]
    assert kept(made("a", 100.0, touched_at=110.0), made("b", 105.0, touched_at=120.0)) == ["a", "b"]
    killed = made("a", 100.0, touched_at=104.0, has_exit=False, exit_code=None, status="torn")
    assert kept(killed, made("b", 105.0, touched_at=120.0)) == ["a", "b"]


def test_runs_of_one_slurm_job_belong_together_whenever_they_began():
    assert kept(made("a", 100.0, touched_at=104.0, job="7"), made("b", 900.0, job="7"), made("c", 880.0, job="6")) == [
        "a", "b", "c",
    ]  # fmt: skip
    assert kept(made("a", 100.0, job="6"), made("b", 900.0, job="7")) == ["b"]
