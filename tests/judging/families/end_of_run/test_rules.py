"""Rules of the family end of run: the way a process went decides, and what is told of it is what was seen."""

from __future__ import annotations

import pytest

from harness.evidence.models import (
    Job,
    LogLine,
    ProcessSeen,
    Request,
    RunLink,
    SdkLogs,
    ServerReading,
    SlurmJob,
)
from harness.judging.families.end_of_run import rules as end_of_run
from harness.judging.findings import diagnose
from harness.judging.judge import judge
from tests.judging.build import (
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
from tests.judging.endings import CRASHED, OPEN, TORN, asked, killed, of_disk

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


@pytest.mark.parametrize(
    ("state", "code"),
    [("CANCELLED by 100", "0:15"), ("TIMEOUT", "0:0"), ("PREEMPTED", "0:0"), ("CANCELLED", None)],
)
def test_slurm_that_ends_the_job_is_sigterm(state, code):
    """Of a time limit sacct shows the state, and 0:0 for the job."""
    slurm = SlurmJob(job_id="1", final_state=state, exit_code=code)
    found = hits(end_of_run.RULES, killed(None, job=Job(ending="cancelled", slurm=slurm)))
    assert "end-sigterm-no-flush" in found
    assert "end-crashed-heartbeat" not in found


@pytest.mark.parametrize(
    ("first", "afterwards", "expected"),
    [
        ("SIGKILL", "SIGTERM", "end-crashed-heartbeat"),
        ("SIGTERM", "SIGKILL", "end-sigterm-no-flush"),
    ],
    ids=["torchrun ended the others", "it was killed where it did not heed"],
)
def test_the_first_process_that_ended_decides(first, afterwards, expected):
    """What the launcher does to the other ranks stands before it in the output."""
    processes = (ProcessSeen(rank=0, signal=afterwards, line=1), ProcessSeen(rank=1, signal=first, first=True, line=2))
    made = Job(ending="failed", exit_code=1, processes=processes, output=output("Epoch 1"))
    found = hits(end_of_run.RULES, killed(job=made))
    assert {"end-crashed-heartbeat", "end-sigterm-no-flush"} & set(found) == {expected}
    assert found[expected].observed[0] == f"A process ended by {first}."


FOLDER_OPEN = "/scratch/me/wandb/run-20261123_120000-abcd1234: the log holds no end (7 bytes)."
GONE = "server: parent process exited, terminating service process"
CORE_GONE = SdkLogs(init_done=True, lines=(LogLine(file="debug-core.log", text=GONE),))


@pytest.mark.parametrize(
    ("found", "observed"),
    [
        (killed("SIGKILL"), ("A process ended by SIGKILL.", "The server shows the run as running.", FOLDER_OPEN)),
        (
            killed(None, code=7, server=CRASHED),
            ("The job ended with exit code 7.", "The server shows the run as crashed.", FOLDER_OPEN),
        ),
        (
            killed("SIGKILL", server=server(server_run(state=""))),
            ("A process ended by SIGKILL.", "The server shows the run as unknown.", FOLDER_OPEN),
        ),
        (
            killed(server=server(), local=local(local_run(log=OPEN, sdk_logs=CORE_GONE))),
            ("A process ended by SIGKILL.", FOLDER_OPEN, f"debug-core.log: {GONE}"),
        ),
        (
            asked("crashed", 3),
            ("The server shows run abcd1234 as crashed.",),
        ),
    ],
)
def test_how_the_process_ended_and_what_is_left_of_the_run_is_told(found, observed):
    assert hits(end_of_run.RULES, found)["end-crashed-heartbeat"].observed == observed


@pytest.mark.parametrize(
    ("log_on_disk", "title"),
    [(OPEN, "The run's log on disk was never written: 7 bytes"),
     (TORN, "The run's log on disk was never written: its end is missing")],
)  # fmt: skip
def test_what_is_missing_of_the_log_is_told(log_on_disk, title):
    found = diagnose(killed(offline=True, local=local(local_run(offline=True, log=log_on_disk))), end_of_run.RULES)
    assert [f.title for f in found] == [title]


def test_an_announced_run_of_which_nothing_can_be_seen_is_not_called_killed():
    link = RunLink(url="https://wandb.ai/team/vit/runs/a", entity="team", project="vit", run_id="a", line=1)
    processes = (ProcessSeen(rank=0, signal="SIGKILL", first=True),)
    made = Job(ending="failed", exit_code=1, processes=processes, output=output("x", links=(link,)))
    found = evidence(job=made, local=local(), server=ServerReading(status="failed"))
    assert hits(end_of_run.RULES, found) == {}


def test_launcher_that_ends_the_other_ranks_is_not_the_cause():
    processes = (ProcessSeen(rank=0, signal="SIGTERM", line=1), ProcessSeen(rank=1, exit_code=1, first=True, line=2))
    raised = error("ValueError", "bad batch", rank=1, frames=('File "train.py", line 7, in step',), line=3)
    launcher = error("torch.distributed.elastic.multiprocessing.errors.ChildFailedError", "", line=9)
    made = Job(ending="failed", exit_code=1, processes=processes, output=output("x", errors=(raised, launcher)))
    found = hits(end_of_run.RULES, killed(job=made))
    values = found["end-failed-exitcode"].values
    assert (values["error"], values["place"]) == ("ValueError: bad batch on rank 1", 'File "train.py", line 7, in step')
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


INTERRUPTED = Job(ending="failed", exit_code=1, output=output("x", errors=(error("KeyboardInterrupt", ""),)))


@pytest.mark.parametrize(
    ("found", "observed"),
    [
        (
            evidence(job=INTERRUPTED, server=server(server_run(state="killed"))),
            ("The server shows run abcd1234 as killed.", "KeyboardInterrupt"),
        ),
        (asked("killed"), ("The server shows run abcd1234 as killed.",)),
    ],
)
def test_a_run_that_was_stopped_from_its_page_is_not_blamed_on_ctrl_c(found, observed):
    cause = diagnose(found)[0]
    assert (cause.id, cause.observed) == ("end-stopped-in-wandb", observed)
    assert server_run().url in cause.advice[0]


def test_failed_run_names_the_error_or_the_exit_code():
    raised = (error("KeyError", "'lr'", frames=('File "train.py", line 3, in <module>',)),)
    broken = server(server_run(state="failed", exit_code=1))
    found = evidence(job=Job(ending="failed", exit_code=1, output=output("x", errors=raised)), server=broken)
    assert hits(end_of_run.RULES, found)["end-failed-exitcode"].values["error"] == "KeyError: 'lr'"


@pytest.mark.parametrize(
    ("found", "observed"),
    [
        (asked("failed", exit_code=1), "The server shows the run as failed, exit code 1."),
        (asked("failed"), "The server shows the run as failed, exit code other than 0."),
        (of_disk(log=log(exit_code=3)), "The log on disk ends as failed, exit code 3."),
        # The last line of a batch script succeeded.
        (
            evidence(local=local(local_run(offline=True, log=log(exit_code=3))), server=server()),
            "The log on disk ends as failed, exit code 3.",
        ),
    ],
)
def test_a_run_that_failed_though_no_error_was_seen_has_its_exit_code(found, observed):
    (finding,) = diagnose(found, end_of_run.RULES)
    assert finding.observed == (observed,)
    assert finding.title == f"The script ended with an error: {observed.partition('failed, ')[2].rstrip('.')}"
    assert "traceback" not in " ".join(finding.advice)


@pytest.mark.parametrize(
    "found",
    [
        evidence(local=local(local_run(offline=True, log=log(exit_code=3)))),
        evidence(local=local(local_run(log=log(exit_code=1, history_rows=0))), server=server(), job=job("x")),
    ],
    ids=["the server has it, and it went well", "its wandb.init() failed, which has causes of its own"],
)
def test_exit_code_on_disk_that_does_not_tell_how_the_run_ended(found):
    assert "end-failed-exitcode" not in hits(end_of_run.RULES, found)


def test_the_place_of_an_error_is_its_innermost_frame():
    frames = ('File "train.py", line 90, in <module>', 'File "train.py", line 3, in step')
    raised = (error("KeyError", "'lr'", frames=frames),)
    hit = hits(end_of_run.RULES, evidence(job=Job(ending="failed", exit_code=1, output=output("x", errors=raised))))
    assert hit["end-failed-exitcode"].values["place"] == frames[1]
    assert "the whole traceback stands in the job's output" in hit["end-failed-exitcode"].values["traceback"]
    assert hit["end-failed-exitcode"].observed == ("KeyError: 'lr'", frames[1])


def test_error_that_another_family_explains_is_left_to_it():
    raised = (error("ModuleNotFoundError", "No module named 'wandb'"),)
    found = no_run(job=Job(ending="failed", exit_code=1, output=output("ModuleNotFoundError: No module named 'wandb'",
                                                                       errors=raised)))  # fmt: skip
    assert "end-failed-exitcode" in hits(end_of_run.RULES, found)
    assert [f.id for f in judge(found).findings] == ["init-not-installed"]


CUT = "wandb: ERROR Control-C detected -- Run data was not synced"
LOG_ALONE = {"request": Request(source="job_log", server="none", target="none"), "server": ServerReading()}
BY_SIGINT = (ProcessSeen(rank=0, signal="SIGINT"), ProcessSeen(rank=1, signal="SIGTERM"))


@pytest.mark.parametrize(
    "found",
    [
        evidence(job=job(CUT, ending="unknown"), local=local(), **LOG_ALONE),
        evidence(job=job(CUT, ending="failed")),
        evidence(job=Job(ending="failed", exit_code=1, output=output("x", errors=(error("KeyboardInterrupt", ""),)))),
        killed("SIGINT", job=Job(ending="failed", processes=BY_SIGINT, output=output("x")), local=local(),
               server=server(server_run(state="failed"))),
    ],
)  # fmt: skip
def test_interrupt_is_told_by_text_traceback_or_signal(found):
    assert "end-ctrl-c" in hits(end_of_run.RULES, found)


@pytest.mark.parametrize(
    "found",
    [
        evidence(job=job(CUT)),
        evidence(job=job(CUT, ending="running")),
    ],
    ids=["the job went on to a good end", "the job still runs"],
)
def test_an_interrupt_that_did_not_end_the_job(found):
    assert "end-ctrl-c" not in hits(end_of_run.RULES, found)


def test_rows_that_were_lost_are_counted_only_where_they_were_printed():
    hit = hits(end_of_run.RULES, asked("crashed"))["end-last-15s-lost"]
    assert hit.values == {"there": "0", "printed": "all"}
    hit = hits(end_of_run.RULES, killed())["end-last-15s-lost"]
    assert hit.values == {"there": "0", "printed": "3"}


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


@pytest.mark.parametrize(("hosts", "named"), [(("nid1", "nid1"), True), (("nid1", "nid2"), False)])
def test_failure_on_one_node_only_names_the_node(hosts, named):
    """What the launcher ended afterwards, by a signal, was no failure of its node."""
    told = (
        *(ProcessSeen(task=n, exit_code=3, host=host, line=n) for n, host in enumerate(hosts, 1)),
        ProcessSeen(task=9, signal="SIGTERM", host="nid3", line=9),
    )
    made = Job(ending="failed", exit_code=1, processes=told, output=output("x"),
               slurm=SlurmJob(job_id="7", nodes=("nid1", "nid2", "nid3")))  # fmt: skip
    observed = hits(end_of_run.RULES, no_run(job=made))["end-failed-exitcode"].observed
    assert ("All that failed by itself was on nid1, one of 3 nodes." in observed) is named


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
    left_open = killed(job=Job(ending="failed", exit_code=1, processes=told, output=output("x")))
    assert "end-failed-exitcode" not in hits(end_of_run.RULES, left_open)
    assert "end-crashed-heartbeat" in hits(end_of_run.RULES, left_open)
    open_at_rank_0 = killed(job=Job(ending="failed", exit_code=1, processes=ended, output=output("x")))
    assert hits(end_of_run.RULES, open_at_rank_0)["end-failed-exitcode"].values["error"] == "exit code 7"
    silent = evidence(job=Job(ending="failed", exit_code=1, output=output("x")))
    assert "end-failed-exitcode" not in hits(end_of_run.RULES, silent)


@pytest.mark.parametrize(
    ("found", "title", "kind"),
    [
        (asked("failed", exit_code=143), "exit code 143 (128 + 15: SIGTERM)", "outside"),
        (asked("failed", exit_code=137), "exit code 137 (128 + 9: SIGKILL)", "outside"),
        (evidence(local=local(local_run(log=log(exit_code=143))), server=server(server_run(state="failed")),
                  job=Job(ending="failed", exit_code=1)), "exit code 143 (128 + 15: SIGTERM)", "outside"),
        (asked("failed", exit_code=3), "exit code 3", "edit"),
    ],
)  # fmt: skip
def test_who_ends_a_script_by_a_signal_is_asked(found, title, kind):
    (finding,) = (f for f in diagnose(found, end_of_run.RULES) if f.id == "end-failed-exitcode")
    assert (finding.title, finding.cure.kind) == (f"The script ended with an error: {title}", kind)


@pytest.mark.parametrize(("signal", "kind"), [("SIGKILL", "outside"), ("SIGTERM", "edit"), (None, "edit")])
def test_no_edit_is_told_against_sigkill(signal, kind):
    (finding,) = (
        f for f in diagnose(killed(signal, offline=True), end_of_run.RULES) if f.id == "end-lost-local-buffer"
    )
    assert finding.cure.kind == kind


@pytest.mark.parametrize(
    ("exception", "message", "commands"),
    [
        ("ModuleNotFoundError", "No module named 'cv2'", ("/usr/bin/python3 -m pip install opencv-python-headless",)),
        ("ModuleNotFoundError", "No module named 'mymodule'", ()),
        ("ModuleNotFoundError", "No module named 'tqdm.moon'", ()),
        ("KeyError", "'tqdm'", ()),
    ],
)
def test_a_package_is_installed_only_where_its_name_is_sure(exception, message, commands):
    raised = (error(exception, message, frames=('File "train.py", line 3, in <module>',)),)
    found = evidence(job=Job(ending="failed", exit_code=1, output=output("x", errors=raised)))
    (finding,) = (f for f in diagnose(found, end_of_run.RULES) if f.id == "end-failed-exitcode")
    assert finding.cure.commands == commands
    assert ("has no module" in finding.advice[0]) is (not commands and exception != "KeyError")


def test_what_the_time_limit_cut_off_is_no_cause_of_its_own():
    found = killed("SIGTERM")
    slurm = SlurmJob(job_id="7", final_state="TIMEOUT", exit_code="0:15")
    found = found.model_copy(update={"job": found.job.model_copy(update={"slurm": slurm})})
    assert [f.id for f in judge(found).findings if f.severity == "error"] == ["job-time-limit"]
