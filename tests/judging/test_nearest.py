"""The facts nearest to a failure: the last seconds in order, and the layer where the sources part."""

import pytest

from harness.evidence.models import LogLine, SdkLogs, SlurmState, SlurmStep
from harness.judging.case import Case
from harness.judging.nearest import parting, timeline
from tests.judging import build as b
from tests.judging.endings import slurm

END = 1_700_000_000.0


def ended(**change):
    return b.job("x", started_at=END - 60, ended_at=END, **change)


def test_the_last_seconds_are_told_in_order():
    states = (SlurmState(state="RUNNING", at=END - 59), SlurmState(state="COMPLETING", reason="None", at=END + 2))
    log = b.log(history_last_time=END - 3, system_last_time=END - 30)
    run = b.local_run(started_at=END - 50, touched_at=END - 0.5, log=log)
    found = b.evidence(job=ended(slurm=slurm(states=states)), local=b.local(run), server=b.server())
    assert timeline(found) == (
        "3.0 s before the end: run abcd1234 logged its last row, step 2",
        "0.5 s before the end: the SDK wrote to the folder of run abcd1234 for the last time",
        "At the end: the job ended as completed",
        "2.0 s after the end: Slurm: COMPLETING (None)",
    )


def test_lines_of_the_sdk_s_logs_have_their_place_if_they_tell_their_zone():
    lines = tuple(
        LogLine(file="debug-core.log", text=text, at=at)
        for text, at in (("known", "2023-11-14T22:13:19.5Z"), ("local", "2023-11-14 22:13:19,500"), ("none", None))
    )
    run = b.local_run(started_at=None, log=b.log(run=None))
    run = run.model_copy(update={"sdk_logs": run.sdk_logs.model_copy(update={"lines": lines})})
    found = b.evidence(job=ended(), local=b.local(run), server=b.server())
    assert [line for line in timeline(found) if "debug-core" in line] == ["0.5 s before the end: debug-core.log: known"]


def test_where_no_time_is_known_nothing_is_told():
    run = b.local_run(started_at=None, log=b.log(run=None))
    assert timeline(b.evidence(job=None, local=b.local(run), server=b.server())) == ()


def test_without_a_job_the_last_moment_is_the_end():
    run = b.local_run(started_at=END - 5, touched_at=END)
    assert timeline(b.evidence(job=None, local=b.local(run), server=b.server()))[-1].startswith("At the end: the SDK")


UNCLOSED = b.log(has_exit=False, exit_code=None)


@pytest.mark.parametrize(
    ("change", "layer"),
    [
        ({}, None),
        ({"job": ended(slurm=slurm(final_state="FAILED"))}, "scheduler"),
        ({"local": b.local(b.local_run(log=UNCLOSED))}, "disk"),
        ({"server": b.server()}, "server"),
        ({"server": b.server(b.server_run(rows=2))}, "server"),
        ({"server": b.server(b.server_run(state="failed"))}, "server"),
        ({"server": b.server(status="failed")}, None),
        ({"local": b.local(b.local_run(offline=True)), "server": b.server()}, None),
        ({"local": b.local(), "server": b.server()}, "script"),
        ({"local": b.local()}, None),
        ({"job": None}, None),
    ],
)
def test_the_first_layer_that_contradicts(change, layer):
    assert parting(Case(b.evidence(**{"job": ended(), **change}))).layer == layer


def test_every_source_says_its_word():
    words = parting(Case(b.evidence(job=ended(slurm=slurm()), server=b.server(b.server_run(rows=2))))).words
    assert words == (
        "the job ended as completed, exit code 0; Slurm: COMPLETED 0:0; disk: run abcd1234, 3 rows, closed with exit"
        " code 0; server: run abcd1234, 2 rows, finished. Disk and server part."
    )


@pytest.mark.parametrize(
    ("closed", "words"), [(False, "never closed"), (True, "closed by the SDK, and cut off afterwards")]
)
def test_a_log_without_an_end_is_told_by_what_took_it(closed, words):
    log = UNCLOSED.model_copy(update={"status": "no_exit_record"})
    run = b.local_run(log=log, sdk_logs=SdkLogs(closed=closed))
    assert f"disk: run abcd1234, 3 rows, {words};" in parting(Case(b.evidence(job=ended(), local=b.local(run)))).words


def test_a_step_that_failed_in_a_job_that_ended_well_is_told():
    steps = (
        SlurmStep(id="7.0", state="FAILED", exit_code="5:0"),
        SlurmStep(id="7.1", state="COMPLETED", exit_code="0:0"),
    )
    found = b.no_run(job=ended(slurm=slurm(steps=steps)))
    words = parting(Case(found)).words
    assert "its step 7.0: FAILED 5:0" in words
    assert "7.1" not in words


def test_several_runs_are_counted():
    several = b.evidence(
        job=ended(), local=b.local(b.local_run(), b.local_run(run_id="b")),
        server=b.server(b.server_run(), b.server_run(id="b", rows=1)),
    )  # fmt: skip
    assert "and 1 more; server: run abcd1234, 3 rows, finished, and 1 more" in parting(Case(several)).words


def test_the_same_run_is_compared():
    longer = b.local_run(run_id="b", log=b.log(history_rows=9))
    found = b.evidence(job=ended(), local=b.local(longer, b.local_run()))
    assert parting(Case(found)).layer is None
