from __future__ import annotations

import re

import pytest

from harness.diagnosis.engine import diagnose
from harness.diagnosis.rules import end_of_run
from harness.evidence.models import (
    EpochSeen,
    Evidence,
    Job,
    LogLine,
    ProcessSeen,
    Request,
    RunLink,
    SdkLogs,
    ServerReading,
    SlurmJob,
)
from tests.diagnosis.build import (
    error,
    evidence,
    hits,
    http,
    job,
    local,
    local_run,
    log,
    no_run,
    output,
    run_with_http,
    server,
    server_run,
)  # fmt: skip

RUNNING = server(server_run(state="running", rows=0, series={}))
CRASHED = server(server_run(state="crashed", rows=3))
OPEN = log(status="header_only", size_bytes=7, has_exit=False, exit_code=None, history_rows=0)
TORN = log(status="torn", has_exit=False, exit_code=None, history_rows=2)
EPOCHS = tuple(EpochSeen(epoch=n, line=n) for n in (1, 2, 3))


def killed(signal: str | None = "SIGKILL", *, code: int | None = 1, offline: bool = False, **change) -> Evidence:
    """A job whose logging process went away with its run open."""
    processes = (ProcessSeen(rank=0, signal=signal, first=True),) if signal else ()
    made = Job(ending="failed" if code else "completed", exit_code=code, processes=processes,
               output=output("Epoch 3, Loss: 1", epochs=EPOCHS))  # fmt: skip
    reading = server() if offline else RUNNING
    given = {"job": made, "local": local(local_run(offline=offline, log=OPEN)), "server": reading}
    return evidence(**{**given, **change})


OFFLINE = local(local_run(offline=True, log=OPEN, sdk_logs=SdkLogs(init_done=True)))
LOST = {"end-lost-local-buffer", "end-last-15s-lost"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (killed("SIGKILL"), {"end-crashed-heartbeat"} | LOST),
        (killed("OUT_OF_MEMORY"), {"end-crashed-heartbeat"} | LOST),
        (killed(None, code=7), {"end-crashed-heartbeat"} | LOST),
        (killed("SIGTERM"), {"end-sigterm-no-flush"} | LOST),
        (killed(None, code=0), {"end-no-finish-in-subproc"} | LOST),
        (killed("SIGKILL", server=server(server_run(state="running", rows=3))),
         {"end-crashed-heartbeat", "end-lost-local-buffer"}),
        (killed("SIGKILL", local=local(local_run(log=TORN)), server=CRASHED), {"end-crashed-heartbeat"}),
        (killed("SIGKILL", offline=True), {"end-lost-local-buffer"}),
        (killed("SIGTERM", offline=True, local=OFFLINE), {"end-lost-local-buffer"}),
        (killed(None, code=0, offline=True, local=OFFLINE), {"end-lost-local-buffer"}),
        (killed("SIGKILL", offline=True, local=local(local_run(offline=True, log=TORN))), {"end-lost-local-buffer"}),
    ],
)  # fmt: skip
def test_way_the_process_went_decides(found, expected):
    assert set(hits(end_of_run.RULES, found)) == expected


def test_slurm_that_ends_the_job_is_sigterm():
    slurm = SlurmJob(job_id="1", final_state="CANCELLED by 100", exit_code="0:15")
    found = killed(None, job=Job(ending="cancelled", slurm=slurm))
    assert "end-sigterm-no-flush" in hits(end_of_run.RULES, found)


def test_launcher_that_ends_the_other_ranks_is_not_the_cause():
    processes = (ProcessSeen(rank=0, signal="SIGTERM", line=1), ProcessSeen(rank=1, exit_code=1, first=True, line=2))
    raised = error("ValueError", "bad batch", rank=1, frames=('File "train.py", line 7, in step',), line=3)
    launcher = error("torch.distributed.elastic.multiprocessing.errors.ChildFailedError", "", line=9)
    made = Job(ending="failed", exit_code=1, processes=processes, output=output("x", errors=(raised, launcher)))
    found = hits(end_of_run.RULES, killed(job=made))
    assert found["end-failed-exitcode"].values == {
        "error": "ValueError: bad batch on rank 1", "place": 'File "train.py", line 7, in step',
    }  # fmt: skip
    assert not {"end-sigterm-no-flush", "end-crashed-heartbeat"} & set(found)


@pytest.mark.parametrize(
    "found",
    [
        evidence(),
        no_run(job=job("wandb: ERROR user is not logged in", ending="failed")),
        no_run(job=Job(ending="failed", output=output("x", errors=(error("wandb.errors.errors.CommError", "no"),)))),
        killed("SIGKILL", server=server(server_run())),
        killed(None, job=Job(ending="interrupted", stopped_by_harness="it neither printed nor computed")),
        killed(job=Job(ending="running")),
        evidence(local=local(run_with_http(http("slow down", 429, "/storage/config.yaml"), rows=3))),
        evidence(job=job("wandb: Synced 4 W&B file(s)")),
    ],
)
def test_health_and_other_causes_are_silent(found):
    assert not set(hits(end_of_run.RULES, found)) - {"end-lost-local-buffer"}


def test_failed_run_names_the_error_or_the_exit_code():
    raised = (error("KeyError", "'lr'", frames=('File "train.py", line 3, in <module>',)),)
    broken = server(server_run(state="failed", exit_code=1))
    found = evidence(job=Job(ending="failed", exit_code=1, output=output("x", errors=raised)), server=broken)
    assert hits(end_of_run.RULES, found)["end-failed-exitcode"].values["error"] == "KeyError: 'lr'"
    found = evidence(job=None, server=broken, request=Request(source="run"))
    assert hits(end_of_run.RULES, found)["end-failed-exitcode"].values["error"] == "exit code 1"


def test_error_that_another_family_explains_is_left_to_it():
    from harness.diagnosis.rules import RULES

    raised = (error("ModuleNotFoundError", "No module named 'wandb'"),)
    found = no_run(job=Job(ending="failed", exit_code=1, output=output("ModuleNotFoundError: No module named 'wandb'",
                                                                       errors=raised)))  # fmt: skip
    assert "end-failed-exitcode" in hits(end_of_run.RULES, found)
    ids = [f.id for f in diagnose(found, RULES)]
    assert "end-failed-exitcode" not in ids
    assert "init-not-installed" in ids


@pytest.mark.parametrize(
    "found",
    [
        evidence(job=job("wandb: ERROR Control-C detected -- Run data was not synced", ending="failed")),
        evidence(job=Job(ending="failed", exit_code=1, output=output("x", errors=(error("KeyboardInterrupt", ""),)))),
        killed("SIGINT", job=Job(ending="failed", processes=(ProcessSeen(rank=0, signal="SIGINT"),),
                                 output=output("x")), local=local(), server=server(server_run(state="failed"))),
    ],
)  # fmt: skip
def test_interrupt_is_told_by_text_traceback_or_signal(found):
    assert "end-ctrl-c" in hits(end_of_run.RULES, found)


@pytest.mark.parametrize(("state", "fault"), [("running", "end-still-running"), ("crashed", "end-crashed-heartbeat")])
def test_existing_run_without_its_job(state, fault):
    reading = server(server_run(state=state, heartbeat_at=900.0))
    found = evidence(job=None, local=local(), server=reading, request=Request(source="run", run_path="a/b/c"),
                     created_at=960.0)  # fmt: skip
    assert set(hits(end_of_run.RULES, found)) == {fault}
    if state == "running":
        assert "Its last sign of life came 60 s ago." in hits(end_of_run.RULES, found)[fault].observed


FOLDER = Request(source="run_dir", server="none", target="none")
ASKED = Request(source="run", run_path="a/b/c", server="real", target="none")


LONG_AGO = 1000.0 - 2 * 24 * 3600


def of_disk(**change) -> Evidence:
    """A folder whose run was never closed; the clock reads 1000 s."""
    begun = SdkLogs(sdk_version="0.31.0", init_done=True)
    run = local_run(**{"log": OPEN, "sdk_logs": begun, "touched_at": 990.0, **change})
    given = {"request": FOLDER, "job": None, "setup": None, "server": ServerReading(), "created_at": 1000.0}
    return evidence(local=local(run), **given)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (of_disk(writer="gone"), {"end-crashed-heartbeat", "end-lost-local-buffer"}),
        (of_disk(writer="gone", log=TORN), {"end-crashed-heartbeat"}),
        (of_disk(writer="alive"), {"end-still-running"}),
        (of_disk(), {"end-still-running"}),
        (of_disk(touched_at=100.0), {"end-still-running"}),  # 0.19 was seen to write nothing for more than 300 s
        (of_disk(offline=True, touched_at=100.0), {"end-still-running"}),
        (of_disk(started_at=LONG_AGO, offline=True), {"end-lost-local-buffer"}),  # copied: its files are new
        (
            of_disk(log=TORN.model_copy(update={"history_last_time": LONG_AGO}), started_at=LONG_AGO),
            {"end-crashed-heartbeat"},
        ),
        (of_disk(log=TORN.model_copy(update={"system_last_time": 900.0}), started_at=LONG_AGO), {"end-still-running"}),
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
     ({"offline": True}, "--run-dir FOLDER --job-log <job output>"), ({"writer": "alive"}, "--run-dir FOLDER")],
)  # fmt: skip
def test_what_decides_whether_a_run_still_runs_is_named(change, again):
    hit = hits(end_of_run.RULES, of_disk(touched_at=690.0, started_at=600.0, **change))["end-still-running"]
    assert re.sub(r"/scratch\S+", "FOLDER", hit.values["again"]) == again
    if "writer" not in change:
        assert "cannot be told from here" in hit.observed[1]
        assert hit.observed[2:] == ("It began, by its name, 400 s ago.", "Its files were written 310 s ago.")


def asked(state: str, rows: int = 0, **change) -> Evidence:
    """A run on the server of a job that was not seen."""
    reading = server(server_run(state=state, rows=rows, series={}))
    given = {"request": ASKED, "job": None, "setup": None, "local": local(), "server": reading}
    return evidence(**{**given, **change})


ENDED_BY_SIGNAL = Job(ending="failed", processes=(ProcessSeen(rank=0, signal="SIGKILL", first=True),),
                      output=output("Epoch 3, Loss: 1", epochs=EPOCHS))  # fmt: skip


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (asked("crashed"), {"end-crashed-heartbeat", "end-last-15s-lost"}),
        (asked("crashed", 3), {"end-crashed-heartbeat"}),
        (asked("running"), {"end-still-running"}),
        (asked("running", job=ENDED_BY_SIGNAL), {"end-crashed-heartbeat", "end-last-15s-lost"}),
        (asked("running", job=Job(output=output("Epoch 3, Loss: 1", epochs=EPOCHS))), {"end-still-running"}),
        (asked("finished", 3), set()),
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


def test_closing_line_that_the_server_contradicts():
    found = evidence(job=job("wandb: Synced 4 W&B file(s), 0 media file(s)"), server=server(server_run(rows=1)))
    assert hits(end_of_run.RULES, found)["end-footer-lies"].values["there"] == "1"
    refused = found.model_copy(
        update={"local": local(run_with_http(http("403", 403, "/x/file_stream", fatal=True), rows=3))}
    )
    from harness.diagnosis.rules import RULES

    ids = [f.id for f in diagnose(refused, RULES)]
    assert "net-filestream-4xx-fatal" in ids
    assert "end-footer-lies" not in ids


def test_files_that_the_object_store_refused():
    found = evidence(local=local(run_with_http(http("Forbidden", 403, "/storage/team/vit/config.yaml"), rows=3)))
    assert set(hits(end_of_run.RULES, found)) == {"end-files-not-uploaded"}


def test_files_that_the_server_did_not_take_on():
    words = LogLine(file="debug-internal.log", level="ERROR",
                       text="runfiles: CreateRunFiles returned error: returned error 403")  # fmt: skip
    found = evidence(local=local(local_run(sdk_logs=SdkLogs(lines=(words,)))))
    assert set(hits(end_of_run.RULES, found)) == {"end-files-not-uploaded"}


def test_an_error_of_init_is_no_exit_without_a_traceback():
    processes = (ProcessSeen(rank=0, exit_code=1, first=True),)
    raised = error("wandb.errors.errors.CommError", "<no message>")
    made = Job(ending="failed", exit_code=1, processes=processes, output=output("x", errors=(raised,)))
    found = no_run(job=made)
    assert "end-failed-exitcode" not in hits(end_of_run.RULES, found)


@pytest.mark.parametrize(
    ("version", "said"),
    [("0.22.0", True), ("0.22.2", True), ("0.22.3", False), ("0.25.1", True), ("0.28.0", True), ("0.28.1", False)],
)
def test_standstill_in_a_version_that_can_deadlock(version, said):
    still = Job(ending="interrupted", output=output("Epoch 1"),
                stopped_by_harness="it neither printed nor computed anything for 100 s")  # fmt: skip
    found = evidence(job=still, server=server(server_run(state="running", sdk_version=version)),
                     local=local(local_run(log=log(sdk_version=version))))  # fmt: skip
    assert ("end-deadlock" in hits(end_of_run.RULES, found)) is said


def test_killed_slurm_job_leaves_files_behind():
    slurm = SlurmJob(job_id="1", final_state="OUT_OF_MEMORY")
    found = killed("OUT_OF_MEMORY", job=Job(ending="out_of_memory", slurm=slurm))
    assert "end-leftover-tmp" in hits(end_of_run.RULES, found)


def test_exit_code_without_a_traceback_is_the_scripts_own():
    told = (ProcessSeen(rank=0, exit_code=3, first=True),)
    found = evidence(job=Job(ending="failed", exit_code=1, processes=told, output=output("x")))
    assert hits(end_of_run.RULES, found)["end-failed-exitcode"].values["error"] == "exit code 3"
    ended = (ProcessSeen(rank=1, exit_code=7, first=True, line=1), ProcessSeen(rank=0, signal="SIGTERM", line=2))
    others = no_run(job=Job(ending="failed", exit_code=1, processes=ended, output=output("x")))
    assert hits(end_of_run.RULES, others)["end-failed-exitcode"].values["error"] == "exit code 7"
    raised = output("x", errors=(error("wandb.errors.errors.CommError", "project is archived"),))
    not_mine = no_run(job=Job(ending="failed", exit_code=1, processes=told, output=raised))
    assert "end-failed-exitcode" not in hits(end_of_run.RULES, not_mine)
    silent = evidence(job=Job(ending="failed", exit_code=1, output=output("x")))
    assert "end-failed-exitcode" not in hits(end_of_run.RULES, silent)
