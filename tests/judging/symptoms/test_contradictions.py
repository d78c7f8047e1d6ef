"""Sources that contradict each other: what rests on them is not checked, and both are quoted."""

import pytest

from harness.evidence.models import Request, SdkLogs, ServerSeries, SlurmJob, Watch
from harness.judging.judge import judge
from tests.judging import build as b


def outcome(evidence, check):
    result = next(c for c in judge(evidence).checks if c.name.endswith(check))
    return result.outcome, result.reason


def test_rows_and_points_of_one_server():
    series = {"loss": ServerSeries(key="loss", count=40, numbers=40)}
    log = b.log(history_rows=40, last_step=39)
    evidence = b.evidence(local=b.local(b.local_run(log=log)), server=b.server(b.server_run(rows=0, series=series)))
    said, why = outcome(evidence, "test_nothing_was_lost")
    assert said == "not_checked"
    assert "0 rows, and 40 points of loss" in why


@pytest.mark.parametrize(("last", "expected"), [("ValueError: bad", "not_checked"), ("done", "passed")])
def test_accounting_and_the_end_of_the_output(last, expected):
    lines = b.lines("Traceback (most recent call last):", "ValueError: bad", last)
    output = b.output(tail=lines, errors=(b.error("ValueError", "bad", line=2),))
    slurm = SlurmJob(job_id="7", final_state="COMPLETED", attached=True)
    job = b.job().model_copy(update={"slurm": slurm, "output": output, "started_at": 1.0})
    evidence = b.evidence(job=job)
    evidence = evidence.model_copy(update={"request": evidence.request.model_copy(update={"source": "job"})})
    said, why = outcome(evidence, "test_job_completed")
    assert said == expected
    assert expected == "passed" or ("COMPLETED" in why and "ValueError: bad" in why)


@pytest.mark.parametrize(
    ("begun", "expected"),
    [(1003.0, "not_checked"), (1012.0, "failed")],
    ids=["long before the last look", "at the end"],
)
def test_looks_that_do_not_show_a_run_that_was_there(begun, expected):
    run = b.local_run(started_at=begun, sdk_logs=SdkLogs(init_done=True))
    evidence = b.evidence(
        request=Request(server="real"),
        job=b.job(started_at=1000.0, ended_at=1014.0),
        local=b.local(run),
        server=b.server(b.server_run()),
        watch=Watch(polls=6, last_poll_s=13.0, job_ended_s=14.0),
    )
    said, why = outcome(evidence, "test_metrics_were_visible_while_running")
    assert said == expected
    assert expected == "failed" or why == (
        "none of 6 looks at the server showed the run, which had begun 10 s before the last"
    )


def test_looks_that_ended_long_before_the_job():
    watch = Watch(polls=1, run_visible_s=35.0, last_poll_s=35.0, job_ended_s=65.0)
    evidence = b.evidence(request=Request(server="real"), server=b.server(b.server_run()), watch=watch)
    said, why = outcome(evidence, "test_metrics_were_visible_while_running")
    assert (said, why) == ("not_checked", "the last look at the server while the job ran was 30 s before its end")
