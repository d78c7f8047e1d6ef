"""Whether the process of a run without an end is over: by the process, the log, the job, the server, and age."""

import pytest

from harness.evidence.models import Job, Request, SdkLogs
from harness.judging.run_end import LONGEST_S, job_over, last_sign, life
from tests.judging import build as b

FOLDER = Request(source="run_dir", server="none", target="none")
NOW = 1_000_000.0


def seen(*server_runs, **change):
    """A folder that is looked at alone, or beside the server's view of its run."""
    return b.evidence(**{"request": FOLDER, "job": None, "created_at": NOW, "server": b.server(*server_runs), **change})


def run(writer=None, *, has_exit=False, age_s=60.0):
    return b.local_run(writer=writer, started_at=0.0, log=b.log(has_exit=has_exit, history_last_time=NOW - age_s))


@pytest.mark.parametrize(
    ("made", "found", "said"),
    [
        (run("alive"), seen(), "alive"),
        (run("gone"), seen(), "over"),
        (run(has_exit=True), seen(), "over"),
        (b.local_run(sdk_logs=SdkLogs(closed=True), log=b.log(has_exit=False)), seen(), "over"),
        (run(), seen(), "unknown"),
        (run(age_s=LONGEST_S + 1), seen(), "over"),
        (run(), seen(b.server_run(state="running")), "unknown"),
        (run(), seen(b.server_run(state="crashed")), "over"),
        (run(), seen(b.server_run(id="another", state="finished")), "unknown"),
        (run(age_s=LONGEST_S + 1), seen(b.server_run(state="running")), "unknown"),
        (run(), seen(job=Job(ending="completed")), "over"),
        (run(), seen(job=Job(ending="running")), "unknown"),
    ],
    ids=[
        "a process has it open", "its process is gone", "the log has an end", "the SDK closed it", "nobody knows",
        "silent for a day",
        "it runs on the server", "it crashed on the server", "another run finished", "silent, and runs on the server",
        "its job has ended", "its job runs",
    ],
)  # fmt: skip
def test_life(made, found, said):
    assert life(made, found) == said


@pytest.mark.parametrize(
    ("source", "ending", "over"),
    [
        ("job", "completed", True),
        ("job", "unknown", True),
        ("job", "running", False),
        ("job", "not_submitted", False),
        ("job", None, False),
        ("job_log", "failed", True),
        ("job_log", "unknown", None),
        ("run_dir", None, None),
    ],
)
def test_a_job_is_over_as_it_was_seen_or_as_its_output_tells(source, ending, over):
    found = b.evidence(request=Request(source=source), job=Job(ending=ending) if ending else None)
    assert job_over(found) is over


def test_the_last_sign_of_life_is_the_newest_record_or_else_the_beginning():
    newest = b.local_run(started_at=1000.0, log=b.log(history_last_time=1010.0, system_last_time=1020.0))
    assert last_sign(newest) == 1020.0
    assert last_sign(b.local_run(started_at=1000.0)) == 1000.0
    assert last_sign(b.local_run(started_at=None)) is None
