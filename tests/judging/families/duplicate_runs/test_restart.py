"""A run id that is used again without resume: told from ranks that share an id, and from runs that are resumed."""

import pytest

from harness.evidence.models import Job, SdkLogs
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.duplicates import problem, same_id_writers
from harness.judging.families.duplicate_runs.rules import RULES
from tests.judging import build as b

FAULT = "dup-restart-without-resume"


def start(begun, ended=None, *, rows=3, pid=7, **facts):
    """A run directory of the run that every one of these wrote."""
    log = b.log(run=RunFacts(run_id=b.RUN_ID, start_time=begun, **facts), history_rows=rows, history_last_time=ended)
    return b.local_run(path=f"/w/run-{begun:.0f}", started_at=begun, log=log, sdk_logs=SdkLogs(pid=pid))


def told(*starts, **server):
    found = b.evidence(local=b.local(*starts), server=b.server(b.server_run(**{"rows": 3, **server})))
    return b.hits(RULES, found).get(FAULT), found


AGAIN = (start(1000.0, 1005.0, rows=6), start(1006.0, 1009.0))


def test_a_second_start_without_resume_is_told():
    hit, found = told(*AGAIN)
    assert hit.severity is None
    assert hit.values == {"run_id": b.RUN_ID}
    assert "begun 2 times" in hit.observed[0]
    assert same_id_writers(found) == ()
    assert problem(found) is None


@pytest.mark.parametrize(
    "starts",
    [
        (AGAIN[0], start(1006.0, 1009.0, resumed=True)),
        (AGAIN[0], start(1006.0, 1009.0, forked=True)),
        (start(1000.0, 1005.0), start(1000.5, 1005.0, pid=8)),
        (AGAIN[0].model_copy(update={"offline": True}), AGAIN[1].model_copy(update={"offline": True})),
        AGAIN[:1],
    ],
    ids=["resumed", "forked", "at the same time", "offline, each folder is a run of its own", "once"],
)
def test_other_starts_are_none(starts):
    assert told(*starts)[0] is None


def test_a_killed_start_ended_when_its_files_were_last_written():
    killed = start(1000.0, pid=6).model_copy(update={"touched_at": 1004.0})
    header = b.log(status="header_only", run=None, history_rows=0, has_exit=False)
    killed = killed.model_copy(update={"log": header})
    assert told(killed, AGAIN[1])[0]
    together = killed.model_copy(update={"touched_at": 1030.0})
    hit, found = told(together, AGAIN[1])
    assert hit is None
    assert len(same_id_writers(found)) == 2


def test_a_process_that_fails_in_its_second_start_is_no_second_rank():
    """It ends before its first row, so that its log does not tell when it ended."""
    found = told(AGAIN[0], start(1006.0, resumed=True, rows=0))[1]
    assert same_id_writers(found) == ()


@pytest.mark.parametrize(
    ("lived", "facts", "severity"),
    [
        ((900.0, 1004.0), {}, "warning"), ((999.0, 1004.0), {}, None), ((940.0, 943.0), {}, None),
        ((900.0, 1004.0), {"resumed": True}, None),
    ],
    ids=["older than the job", "made by the job", "made by the job, the server's clock behind", "resumed"],
)  # fmt: skip
def test_a_run_of_an_earlier_job_is_begun_anew(lived, facts, severity):
    run = start(1001.0, 1004.0, **facts)
    found = b.evidence(
        job=Job(ending="completed", started_at=1000.0, ended_at=1005.0), local=b.local(run),
        server=b.server(b.server_run(created_at=lived[0], heartbeat_at=lived[1])),
    )  # fmt: skip
    hit = b.hits(RULES, found).get(FAULT)
    assert (hit.severity if hit else None) == severity


def test_rows_that_stand_twice_make_it_the_cause():
    series = {"loss": b.server_series("loss", backward_steps=1)}
    found = b.evidence(
        job=Job(ending="completed", started_at=1000.0, ended_at=1005.0), local=b.local(start(1001.0, 1004.0)),
        server=b.server(b.server_run(created_at=900.0, heartbeat_at=1004.0, series=series)),
    )  # fmt: skip
    assert b.hits(RULES, found)[FAULT].severity is None


@pytest.mark.parametrize(("rows", "severity"), [(9, "warning"), (6, None)])
def test_without_a_lost_row_nothing_fails(rows, severity):
    assert told(*AGAIN, rows=rows)[0].severity == severity


def test_a_copy_of_a_run_directory_is_no_second_start():
    copy = AGAIN[0].model_copy(update={"path": "/elsewhere/run-1000", "started_at": 1020.0})
    hit, found = told(AGAIN[0], copy)
    assert hit is None
    assert same_id_writers(found) == ()
