"""What a requeue on Slurm came to, read from the evidence of the job that was requeued."""

from harness.evidence.models import SlurmJob, SlurmState
from harness.verification.rehearsal.cases import Undisturbed
from harness.verification.rehearsal.on_slurm import Moments, told
from tests.judging import build as b

BEFORE = Undisturbed(lasted_s=20.0, rows=10, first_s=1.0, last_s=10.0)
STATES = (("PENDING", 0.0), ("RUNNING", 10.0), ("COMPLETING", 17.0), ("PENDING", 18.0), ("RUNNING", 140.0))
MOMENTS = Moments(struck_at=16.0, lines_before=4)


def run(began_s, rows):
    return b.local_run(run_id="7", started_at=began_s, log=b.log(run=None, history_rows=rows))


def found(**change):
    slurm = SlurmJob(job_id="7", states=tuple(SlurmState(state=s, at=at) for s, at in STATES), restarts=1)
    errors = (b.error("SystemExit", "143", line=3), b.error("OSError", "x", line=5))
    job = b.job(slurm=slurm, exit_code=0, started_at=140.0, ended_at=150.0, output=b.output(errors=errors))
    local, server = b.local(run(11.0, 4), run(141.0, 6)), b.server(b.server_run(id="7", rows=10))
    return b.evidence(**{"job": job, "local": local, "server": server, **change})


def test_run_directories_belong_to_the_start_in_which_they_began():
    case = told(BEFORE, found(), MOMENTS)
    first, second = case.attempts
    assert (first.rows, second.rows, case.rows_on_disk, case.rows_on_server) == (4, 6, 10, 10)
    assert (first.begun_s, first.ended_s, second.begun_s, second.ended_s) == (0.0, 8.0, 130.0, 140.0)
    assert [error.exception for error in second.errors] == ["OSError"]
    assert (case.name, case.struck_s, case.runs_on_server) == ("requeue: by Slurm", 6.0, ("7",))


def test_a_job_that_slurm_did_not_start_again_says_why():
    refused = found(job=b.job(ending="interrupted", stopped_by_harness="Slurm does not requeue it: disabled"))
    case = told(BEFORE, refused, Moments(struck_at=16.0))
    assert case.not_played == "Slurm does not requeue it: disabled"
    assert told(BEFORE, found(), Moments()).not_played.startswith("the job ended before")


def test_without_the_server_nothing_is_said():
    case = told(BEFORE, found(server=b.server(status="failed")), MOMENTS)
    assert case.not_played == "the server could not be read: it was not asked"
