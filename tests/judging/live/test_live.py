"""A run that still runs: what is judged, what waits for its end, and what is wrong all the same."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evidence.models import EpochSeen, Evidence, Job, Request, SdkLogs, Seen, ServerRun, SlurmJob, SlurmState
from harness.judging.judge import judge
from harness.judging.live.of_evidence import life_of
from harness.judging.live.words import headline
from harness.judging.verdict import Verdict
from harness.report.html.page import render
from harness.report.next_commands import NextCommands
from tests.judging.build import (
    evidence,
    healthy,
    http,
    local,
    local_run,
    log,
    logged,
    output,
    server,
    server_series,
    system,
)
from tests.judging.endings import ASKED, FOLDER

NOW = 10_000.0
"""What the clock reads."""
AT_WORK = {"cpu": [50.0] * 40, "memory_percent": [9.0] * 40, "disk.in": [1.0] * 40, "network.sent": [1.0] * 40}


def run_of(rows: int = 100, step_s: float = 2.0, last_ago: float = 8.0, **change: Any) -> ServerRun:
    """A running run on the server, with its rows at an even pace, the last one some seconds ago."""
    times = tuple(NOW - last_ago - step_s * (rows - 1 - n) for n in range(rows))
    points = {"sketch": tuple((float(n), 1.0 + n) for n in range(rows)), "times": times, "count": rows, "numbers": rows}
    known = healthy().server.runs[0]
    given = {
        "state": "running", "rows": rows, "heartbeat_at": NOW - 3.0, "created_at": NOW - last_ago - step_s * rows - 20,
        "series": {name: server_series(name, **points) for name in ("loss", "acc")} if rows else {},
        "system": {f"system.{k}": system(k, v, 15.0) for k, v in AT_WORK.items()}, "system_last_at": NOW - 5.0,
        "metadata": {**known.metadata, "cpu_count_logical": 8}, **change,
    }  # fmt: skip
    return known.model_copy(update=given)


def running(expect: tuple[str, ...] = ("loss", "acc"), job: Job | None = None, **change: Any) -> Evidence:
    """A run that was asked for by its path."""
    request = ASKED.model_copy(update={"expect": expect, "run_path": "team/vit/abcd1234", "job_kind": "none"})
    reading = server(run_of(**change))
    return evidence(request=request, setup=None, job=job, local=local(status="not_looked"), server=reading,
                    created_at=NOW)  # fmt: skip


def resting(samples: int = 20) -> dict[str, Any]:
    """System metrics of a machine that trained, and rests since the last samples."""
    return {
        "system": {f"system.{k}": system(k, [*v, *([0.1 if k == "cpu" else 1.0] * samples)], 15.0)
                   for k, v in AT_WORK.items()}
    }  # fmt: skip


def failed(verdict: Verdict) -> set[str]:
    """The checks that failed, by their own names."""
    return {c.name.partition("::")[2] for c in verdict.checks if c.outcome == "failed"}


def test_a_healthy_run_works_so_far():
    found = running(rows=1240)
    verdict = judge(found)
    assert (verdict.verdict, verdict.live, verdict.findings) == ("passed", True, ())
    assert headline(life_of(found)) == "W&B works so far: 1,240 steps, last point 8 s ago"
    reasons = {c.name.partition("::")[2]: c.reason for c in verdict.checks if c.outcome == "not_applicable"}
    assert reasons["test_run_finished"] == "the run is still running"


@pytest.mark.parametrize("state", ["finished", "crashed", "failed", "killed"])
def test_a_run_that_ended_is_not_live(state):
    assert judge(running(state=state)).live is False


def test_the_output_of_a_job_that_was_killed_counts_more_than_the_servers_word():
    assert not judge(running(job=Job(ending="failed", exit_code=1, output=output("x")))).live


@pytest.mark.parametrize(
    ("found", "cause", "check"),
    [
        (running(heartbeat_at=NOW - 200, last_ago=200), "live-no-heartbeat", "test_run_finished"),
        (running(rows=500, last_ago=290, **resting()), "live-no-steps", "test_run_finished"),
        (running(expect=("loss", "accuracy")), "metric-missing-key", "test_series_is_present[accuracy]"),
        (
            running(series={n: logged(n, [*range(50), "NaN", "NaN"]) for n in ("loss", "acc")}), "metric-nan-loss",
            "test_series_is_finite[loss]",
        ),
    ],
    ids=["no heartbeat", "hang", "missing metric", "NaN"],
)  # fmt: skip
def test_what_is_wrong_is_found_while_it_runs(found, cause, check):
    verdict = judge(found)
    assert (verdict.verdict, verdict.root_cause, verdict.live) == ("failed", cause, True)
    assert check in failed(verdict)


@pytest.mark.parametrize(
    "found",
    [
        running(rows=0),
        running(rows=3, expect=("loss", "accuracy")),
        running(rows=1, step_s=2400.0, last_ago=1800.0),
        running(rows=4, step_s=2400.0, last_ago=2000.0, **resting()),
        running(last_ago=200.0),
        running(system={}, created_at=NOW - 20),
        running(expect=("loss", "val_acc"), series={n: logged(n, [0.5] * 60) for n in ("loss", "epoch")}),
        running(last_ago=40_000.0, created_at=NOW - 60, **resting()),
    ],
    ids=["no step yet", "few steps", "one long step", "steps of 40 minutes", "a validation",
         "no sample yet",
         "first epoch", "an offline run that is being synced"],
)  # fmt: skip
def test_what_takes_its_time_is_no_fault(found):
    verdict = judge(found)
    assert (failed(verdict), verdict.live) == (set(), True)


@pytest.mark.parametrize("ahead", [-3600.0, 600.0])
def test_ages_are_told_by_the_servers_clock(ahead):
    found = running()
    reading = found.server.model_copy(update={"clock_ahead_s": ahead})
    found = found.model_copy(update={"created_at": NOW + ahead, "server": reading})
    assert failed(judge(found)) == set()
    assert headline(life_of(found)) == "W&B works so far: 100 steps, last point 8 s ago"


def test_the_limit_and_the_rhythm_are_told():
    (cause,) = (f for f in judge(running(rows=500, last_ago=290, **resting())).findings if f.explains)
    assert cause.observed[0] == (
        "No step for 290 s, and the machine rests (limit 70 s: a step takes 2 s ± 0 ms, the longest pause was 2 s)."
    )
    assert cause.observed[-1] == "Last signs: heartbeat 3 s, step 290 s, system metrics 5 s ago."


def of_folder(**change: Any) -> Evidence:
    """A folder whose log has no end."""
    times = tuple(NOW - 8.0 - 2.0 * n for n in reversed(range(100)))
    own = log(
        **{"status": "no_exit_record", "has_exit": False, "exit_code": None, "history_rows": 100, "row_times": times,
           "history_last_time": times[-1], **change.pop("log", {})}
    )  # fmt: skip
    given = {"writer": "alive", "started_at": NOW - 600, "sdk_logs": SdkLogs(sdk_version="0.31.0"), "log": own}
    run = local_run(**{**given, **change})
    return evidence(request=FOLDER, job=None, setup=None, server=server(status="not_asked"), local=local(run),
                    created_at=NOW)  # fmt: skip


def test_a_folder_that_is_written_to_works_so_far():
    found = of_folder()
    assert judge(found).live
    assert headline(life_of(found)) == "W&B works so far: 100 steps, last point 8 s ago"
    assert "test_nothing_was_lost" not in failed(judge(found))


@pytest.mark.parametrize(("writer", "ago", "live"), [(None, 100.0, True), (None, 400.0, False), ("gone", 10.0, False)])
def test_of_a_folder_from_another_machine_the_newest_record_tells(writer, ago, live):
    found = of_folder(writer=writer, log={"history_last_time": NOW - ago, "row_times": ()})
    assert judge(found).live is live


def test_rows_that_were_refused_are_lost_already():
    refused = SdkLogs(
        sdk_version="0.31.0", http=(http("permission denied", 403, "/files/a/b/c/file_stream", fatal=True),)
    )
    verdict = judge(of_folder(sdk_logs=refused))
    assert verdict.root_cause == "net-filestream-4xx-fatal"
    assert "test_nothing_was_lost" in failed(verdict)


def attached(epochs: int = 0, **change: Any) -> Evidence:
    """A Slurm job of somebody's own that runs, with no run yet unless one is given."""
    slurm = SlurmJob(job_id="4242", states=(SlurmState(state="RUNNING", at=NOW - 400),), attached=True)
    printed = output("x", epochs=tuple(EpochSeen(epoch=n, line=n) for n in range(epochs)))
    job = Job(ending="running", started_at=NOW - 400, slurm=slurm, output=printed)
    request = Request(target="slurm", server="real", job_kind="batch")
    return evidence(
        **{"request": request, "job": job, "server": server(), "local": local(), "created_at": NOW, **change}
    )


def test_a_slurm_job_that_runs_works_so_far():
    verdict = judge(attached(server=server(run_of())))
    assert (verdict.verdict, verdict.live) == ("passed", True)


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 600.0])
def test_what_an_attached_job_dates_is_dated_by_the_clock_here(ahead):
    run = run_of(last_ago=8.0 - ahead, created_at=NOW - 400.0, system_last_at=NOW + ahead - 5.0)
    found = attached(server=server(run), created_at=NOW + ahead)
    printed = found.job.output.model_copy(update={"touched_at": NOW + ahead - 1.0})
    reading = found.server.model_copy(update={"clock_ahead_s": ahead})
    job = found.job.model_copy(update={"output": printed})
    life = life_of(found.model_copy(update={"server": reading, "job": job}))
    ages = [life.age(beat) for beat in (life.heartbeat, life.steps, life.system, life.output)]
    assert ages == [3.0, 8.0, 5.0, 1.0]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, "nothing of W&B to be seen yet: the job has started no run; it began 400 s ago"),
        (
            {"server": server(run_of(rows=0, created_at=NOW - 30))},
            "nothing logged yet: W&B has started, and no step came; it began 30 s ago",
        ),
    ],
)
def test_before_the_first_step_no_more_is_said_than_what_was_seen(seen, words):
    found = attached(**seen)
    assert headline(life_of(found)) == words
    assert (judge(found).verdict, judge(found).live) == ("passed", True)


def test_a_job_that_has_not_called_init_yet_may_still_do_so():
    assert failed(judge(attached())) == set()
    assert "test_init_succeeded" in failed(judge(attached(epochs=5)))


HANG = Seen(at=NOW + 5, event="problem", problem="live-no-steps", words="no step for 80 s, and the machine rests")


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ((HANG,), "failed"),
        ((HANG, Seen(at=NOW + 60, event="mended")), "passed"),
        ((HANG.model_copy(update={"problem": "metric-missing-key"}),), "passed"),
    ],
    ids=["it stands", "it is mended", "a verification's own"],
)
def test_what_the_last_look_of_a_watch_found_is_judged_and_heads_the_page(seen, verdict):
    found = running().model_copy(update={"watched": seen})
    judged = judge(found)
    assert (judged.verdict, judged.live) == (verdict, True)
    page = render(found, judged, {}, NextCommands())
    assert (verdict == "failed") == ("but no step for 80 s, and the machine rests" in page.partition("What was")[0])
