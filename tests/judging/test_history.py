"""The time line of attempts: what each did with the run, and what was lost of it."""

from harness.evidence.models import SlurmAttempt, SlurmJob
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.history import history
from tests.judging import build as b


def begun(at: float, *, first=0, last: int | None = 2, run_id=b.RUN_ID, log_first: int | None = None, **log):
    """A run directory that was begun at this time; one that goes on begins at a later step."""
    facts = RunFacts(run_id=run_id, start_time=at, resumed=first > 0, starting_step=first)
    path = f"/w/wandb/run-{at:.0f}-{run_id}"
    told = b.log(run=facts, first_step=None if last is None else log_first or first, last_step=last, **log)
    return b.local_run(path=path, run_id=run_id, started_at=at, log=told)


def start(at: float, until: float, state: str = "COMPLETED", node: str = "nid1") -> SlurmAttempt:
    return SlurmAttempt(state=state, started_at=at, ended_at=until, nodes=(node,))


def line(*runs, starts=(), last_step=5):
    job = b.job().model_copy(update={"slurm": SlurmJob(job_id="7", attempts=starts)}) if starts else b.job()
    server = b.server(b.server_run(last_step=last_step, rows=last_step + 1))
    return history(b.evidence(job=job, local=b.local(*runs), server=server))


TWICE = (start(100.0, 110.0, "PREEMPTED"), start(200.0, 220.0, node="nid2"))


def test_a_job_that_began_once_has_no_time_line():
    assert line(begun(100.0)) == ()
    assert line() == ()


def test_requeued_and_resumed_without_a_loss():
    first, second = line(begun(102.0), begun(203.0, first=3, last=5), starts=TWICE)
    assert (first.started_at, first.nodes, first.state, first.run) == (100.0, ("nid1",), "PREEMPTED", b.RUN_ID)
    assert first.text == "began run abcd1234, steps 0 to 2; nothing of it is lost"
    assert second.text == "went on with run abcd1234, steps 3 to 5; nothing of it is lost"


def test_steps_that_had_not_been_sent():
    first, _ = line(begun(102.0, last=4), begun(203.0, first=3, last=5), starts=TWICE)
    assert first.text.endswith("steps 3 to 4 had not been sent: the next attempt logged them again")
    first, _ = line(begun(102.0, last=9), begun(203.0, first=9, last=9), starts=TWICE)
    assert first.text.endswith("step 9 had not been sent: the next attempt logged it again")
    first, _ = line(begun(102.0, last=9), begun(203.0, first=3, last=5), starts=TWICE)
    assert first.text.endswith("steps 3 to 9 had not been sent and are lost")


def test_a_log_that_was_cut_off():
    first, _ = line(begun(102.0, last=None, has_exit=False), begun(203.0, first=3, last=5), starts=TWICE)
    assert first.text == (
        "began run abcd1234; its log on disk holds no step; the server had it up to step 2 when the next attempt began"
    )


def test_nothing_had_been_sent_yet():
    later = begun(203.0, last=5)
    resumed = later.log.run.model_copy(update={"resumed": True})
    later = later.model_copy(update={"log": later.log.model_copy(update={"run": resumed})})
    first, _ = line(begun(102.0, last=None, has_exit=False), later, starts=TWICE)
    assert first.text.endswith("the server had no step of it when the next attempt began")


def test_an_attempt_without_a_run_and_one_with_another():
    first, second = line(begun(203.0), starts=TWICE)
    assert (first.text, first.run) == ("it made no run", None)
    assert second.text.startswith("began run abcd1234")
    first, _ = line(begun(102.0), begun(203.0, run_id="other"), starts=TWICE)
    assert first.text.endswith("the next attempt made another run")


def test_one_that_did_not_resume_takes_the_steps_away():
    first, second = line(begun(102.0), begun(203.0), starts=TWICE)
    assert first.text.endswith("the next attempt did not resume it: the server has these steps no more")
    assert second.text.startswith("began run abcd1234 anew")


def test_the_last_attempt_is_compared_with_the_server():
    *_, last = line(begun(102.0), begun(203.0, first=3, last=7), starts=TWICE, last_step=5)
    assert last.text.endswith("steps 6 to 7 are not on the server")


def test_a_job_that_goes_on_with_the_run_of_an_earlier_one():
    (only,) = line(begun(102.0, first=3, last=5))
    assert only.text.startswith("went on with run abcd1234 of an earlier job, steps 3 to 5")


def test_steps_that_are_counted_from_one_are_no_sign_of_an_earlier_job():
    first, second = line(begun(102.0, log_first=1), begun(203.0, first=3, last=5), starts=TWICE)
    assert first.text.startswith("began run abcd1234, steps 1 to 2")
    assert second.text.startswith("went on with run")


def test_the_output_tells_of_a_run_that_was_resumed():
    """Newer SDKs write the record of the run before the server says that it was there."""
    run = begun(102.0, log_first=3, last=5)
    job = b.job("wandb: Resuming run vit")
    (only,) = history(b.evidence(job=job, local=b.local(run)))
    assert only.text.startswith("went on with run abcd1234 of an earlier job, steps 3 to 5")
    assert line(run) == ()


def test_without_slurm_the_directories_of_the_run_tell():
    assert [one.started_at for one in line(begun(100.0), begun(200.0, first=3, last=5))] == [100.0, 200.0]


def test_ranks_side_by_side_are_one_attempt():
    assert line(begun(100.0), begun(100.4)) == ()
    long = begun(100.0).model_copy(update={"touched_at": 300.0})
    assert line(long, begun(105.0)) == ()
