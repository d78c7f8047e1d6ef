"""Rules of the family end of run for jobs that were not seen: their folder, run or output is all there is."""

from __future__ import annotations

import re

import pytest

from harness.evidence.models import (
    Job,
    ProcessSeen,
    Request,
    RunLink,
    ServerReading,
)
from harness.judging.families.end_of_run import rules as end_of_run
from tests.judging.build import (
    evidence,
    hits,
    job,
    local,
    log,
    output,
    server,
    server_run,
)  # fmt: skip
from tests.judging.endings import EPOCHS, OPEN, TORN, asked, of_disk

LONG_AGO = 1000.0 - 2 * 24 * 3600


@pytest.mark.parametrize(("state", "faults"), [("running", set()), ("crashed", {"end-crashed-heartbeat"})])
def test_existing_run_without_its_job(state, faults):
    reading = server(server_run(state=state, heartbeat_at=900.0))
    found = evidence(job=None, local=local(), server=reading, request=Request(source="run", run_path="a/b/c"),
                     created_at=960.0)  # fmt: skip
    assert set(hits(end_of_run.RULES, found)) == faults


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (of_disk(writer="gone"), {"end-crashed-heartbeat", "end-lost-local-buffer"}),
        (of_disk(writer="gone", log=TORN), {"end-crashed-heartbeat"}),
        (of_disk(writer="alive"), set()),
        (of_disk(started_at=800.0), set()),  # W&B, too, takes it for running
        (of_disk(started_at=600.0), {"end-still-running"}),  # 0.19 was seen to write nothing for more than 300 s
        (of_disk(offline=True, started_at=600.0), {"end-still-running"}),
        (of_disk(started_at=600.0, touched_at=999.0), {"end-still-running"}),  # a copy has new files
        (of_disk(started_at=LONG_AGO, offline=True), {"end-lost-local-buffer"}),  # copied: its files are new
        (
            of_disk(log=TORN.model_copy(update={"history_last_time": LONG_AGO}), started_at=LONG_AGO),
            {"end-crashed-heartbeat"},
        ),
        (of_disk(log=TORN.model_copy(update={"system_last_time": 900.0}), started_at=LONG_AGO), set()),
        (of_disk(log=TORN.model_copy(update={"system_last_time": 600.0}), started_at=LONG_AGO), {"end-still-running"}),
        (
            of_disk(touched_at=100.0).model_copy(update={"job": job(ending="timeout")}),
            {"end-crashed-heartbeat", "end-lost-local-buffer"},
        ),
        (of_disk(writer="gone", offline=True), {"end-lost-local-buffer"}),
        (of_disk(log=log(exit_code=3)), {"end-failed-exitcode"}),
        (of_disk(log=log()), set()),
    ],
)
def test_folder_of_a_job_that_was_not_seen(found, expected):
    assert set(hits(end_of_run.RULES, found)) == expected


@pytest.mark.parametrize(
    ("change", "again"),
    [({}, "--run team/vit/abcd1234"), ({"log": OPEN.model_copy(update={"run": None})}, "--run ENTITY/PROJECT/abcd1234"),
     ({"offline": True}, "--run-dir FOLDER --job-log <job output>")],
)  # fmt: skip
def test_what_decides_whether_a_run_still_runs_is_named(change, again):
    hit = hits(end_of_run.RULES, of_disk(touched_at=690.0, started_at=600.0, **change))["end-still-running"]
    assert re.sub(r"/scratch\S+", "FOLDER", hit.values["again"]) == again
    assert "cannot be told from here" in hit.observed[1]
    assert hit.observed[2:] == ("It began, by its name, 400 s ago.", "Its files were written 310 s ago.")


@pytest.mark.parametrize(
    ("times", "signs"),
    [
        ({"started_at": 100.0, "touched_at": None}, ("It began, by its name, 900 s ago.",)),
        ({"started_at": None, "touched_at": 1001.0}, ()),
    ],
    ids=["long ago", "by a clock that is ahead"],
)
def test_of_the_age_of_a_folder_only_what_is_known_is_told(times, signs):
    assert hits(end_of_run.RULES, of_disk(**times))["end-still-running"].observed[2:] == signs


ENDED_BY_SIGNAL = Job(ending="failed", processes=(ProcessSeen(rank=0, signal="SIGKILL", first=True),),
                      output=output("Epoch 3, Loss: 1", epochs=EPOCHS))  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (asked("crashed"), {"end-crashed-heartbeat", "end-last-15s-lost"}),
        (asked("crashed", 3), {"end-crashed-heartbeat"}),
        (asked("running"), set()),
        (asked("running", job=ENDED_BY_SIGNAL), {"end-crashed-heartbeat", "end-last-15s-lost"}),
        (asked("running", job=Job(output=output("Epoch 3, Loss: 1", epochs=EPOCHS))), set()),
        (asked("finished", 3), set()),
        (asked("killed", 3), {"end-stopped-in-wandb"}),
    ],
)
def test_run_of_a_job_that_was_not_seen(found, expected):
    assert set(hits(end_of_run.RULES, found)) == expected


@pytest.mark.parametrize(
    ("signal", "text", "expected"),
    [
        ("SIGKILL", "Epoch 1", {"end-crashed-heartbeat"}),
        ("SIGTERM", "Epoch 1", {"end-sigterm-no-flush"}),
        ("SIGKILL", "wandb: Find logs at: ./wandb/run-20261123_120000-abcd1234/logs", set()),
    ],
)
def test_output_alone_tells_of_a_killed_process(signal, text, expected):
    link = RunLink(url="https://wandb.ai/team/vit/runs/a", entity="team", project="vit", run_id="a", line=1)
    made = Job(ending="failed", processes=(ProcessSeen(rank=0, signal=signal, first=True),),
               output=output(text, links=(link,)))  # fmt: skip
    request = Request(source="job_log", server="none", target="none")
    found = evidence(request=request, job=made, setup=None, local=local(), server=ServerReading())
    assert set(hits(end_of_run.RULES, found)) == expected
