"""A run over several attempts: nothing is lost where the server has every row in the end."""

from harness.evidence.models.wandb_log import RunFacts
from harness.judging.attempts import attempts, made_good
from tests.judging import build as b

KILLED = b.local_run(
    path="/w/wandb/run-20261129_120000-abcd1234", started_at=1000.0, touched_at=1005.0,
    log=b.log(status="header_only", run=None, has_exit=False, history_rows=0, last_step=None),
)  # fmt: skip


def resumed(**facts):
    run = RunFacts(run_id=b.RUN_ID, **{"resumed": True, "starting_step": 3, "start_time": 1020.0, **facts})
    return b.local_run(path="/w/wandb/run-20261129_120020-abcd1234", started_at=1020.0, log=b.log(run=run, last_step=5))


def case(*runs, rows: int = 6, state: str = "finished", last_step: int = 5):
    server = b.server_run(rows=rows, state=state, last_step=last_step)
    return b.evidence(local=b.local(*runs), server=b.server(server))


def test_a_later_attempt_that_resumed_makes_good_what_was_killed():
    later = resumed()
    evidence = case(later, KILLED)
    assert attempts(KILLED, evidence) == (KILLED, later)
    assert made_good(KILLED, evidence)
    assert not made_good(later, evidence)


def test_rows_that_the_server_lacks_stay_lost():
    assert not made_good(KILLED, case(KILLED, resumed(), last_step=4))
    assert not made_good(KILLED, case(KILLED, resumed(), state="crashed"))


def test_one_that_began_anew_makes_nothing_good():
    later = resumed(resumed=False, starting_step=0)
    later = later.model_copy(update={"log": later.log.model_copy(update={"first_step": 0})})
    assert not made_good(KILLED, case(KILLED, later))


def test_ranks_that_share_an_id_are_no_attempts():
    together = KILLED.model_copy(update={"touched_at": 1100.0})
    assert not made_good(together, case(together, resumed()))
