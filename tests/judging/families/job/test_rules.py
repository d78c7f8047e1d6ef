"""Rules of the family job: each fires on its fault, and is silent on its nearest neighbours."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evidence.models import (
    EpochSeen,
    Evidence,
    Job,
    LocalReading,
    RankSeen,
    Request,
    ServerReading,
    SlurmState,
    SlurmStep,
)
from harness.judging.families.job import rules
from harness.judging.findings import diagnose
from harness.judging.judge import judge
from tests.judging.build import evidence, hits, job, output
from tests.judging.endings import ran, slurm

FAILED = "sbatch: error: Batch job submission failed: "
ACCOUNTING = FAILED + "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


def found(evidence: Evidence) -> set[str]:
    return set(hits(rules.RULES, evidence))


def refused(words: str, **change: Any) -> Evidence:
    scheduler = slurm(job_id=None, final_state=None, submit_stderr=words, submit_exit_code=1, **change)
    return evidence(job=Job(ending="refused", slurm=scheduler))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (FAILED + "Invalid account or account/partition combination specified", "job-bad-account"),
        ("sbatch: error: AssocMaxSubmitJobLimit\n" + ACCOUNTING, "job-bad-account"),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit\n" + ACCOUNTING, "job-submit-limit"),
        ("sbatch: error: invalid partition specified: nope-g\n" + FAILED + "Invalid partition name specified",
         "job-bad-partition"),
        (FAILED + "Requested node configuration is not available", "job-node-config-unavailable"),
        ("sbatch: error: Memory specification can not be satisfied\n" + FAILED
         + "Requested node configuration is not available", "job-node-config-unavailable"),
        (FAILED + "Requested time limit is invalid (missing or exceeds some limit)", "job-over-limit"),
        (FAILED + "Node count specification invalid", "job-over-limit"),
        ("sbatch: error: Batch script contains DOS line breaks (\\r\\n)", "job-bad-script"),
        ("sbatch: unrecognized option '--bogus'", "job-bad-script"),
        ("sbatch: error: Invalid --time specification", "job-bad-script"),
        (FAILED + "Unable to contact slurm controller (connect failure)", "job-slurm-unreachable"),
        ("sbatch: error: Munge encode failed\n" + FAILED + "Protocol authentication error", "job-slurm-unreachable"),
        ("sbatch: fatal: Unable to process configuration file", "job-slurm-unreachable"),
        (FAILED + "Something that nobody has seen", "job-refused"),
    ],
)  # fmt: skip
def test_refusals(words: str, fault: str) -> None:
    told = hits(rules.RULES, refused(words))
    assert set(told) == {fault}
    assert told[fault].observed[0] == words.splitlines()[0]


def test_a_variable_that_overrides_the_script_is_told() -> None:
    told = hits(rules.RULES, refused(FAILED + "Invalid account", sbatch_variables={"SBATCH_ACCOUNT": "project_1"}))
    assert "SBATCH_ACCOUNT=project_1" in told["job-bad-account"].observed[-1]


def test_no_account_at_all_is_told() -> None:
    told = hits(rules.RULES, refused(FAILED + "Invalid account", account=None))["job-bad-account"]
    assert "--lumi-account" in told.observed[-1]
    assert told.values["account"] == "(none is named)"


def test_image_that_preflight_missed() -> None:
    scheduler = slurm(job_id=None, final_state=None, container="/appl/gone.sif", container_exists=False)
    told = evidence(job=Job(ending="refused", slurm=scheduler, stopped_by_harness="the image is not there"))
    assert found(told) == {"job-sif-missing"}


def test_a_refusal_without_a_word_has_its_exit_code() -> None:
    told = hits(rules.RULES, refused("", container="/appl/torch.sif", container_exists=True))
    assert set(told) == {"job-refused"}
    assert told["job-refused"].observed == ("sbatch ended with exit code 1.",)


def test_what_sbatch_said_is_told_beside_an_image_that_is_missing() -> None:
    told = hits(rules.RULES, refused(FAILED + "Invalid account", container="/gone.sif", container_exists=False))
    assert set(told) == {"job-bad-account", "job-sif-missing"}
    assert told["job-sif-missing"].observed == ("/gone.sif does not exist.",)


def test_image_without_wandb_that_got_no_job() -> None:
    scheduler = slurm(job_id=None, final_state=None, container="/appl/torch.sif", container_wandb="missing")
    refusal = Job(ending="refused", slurm=scheduler, stopped_by_harness="it has no wandb")
    told = evidence(job=refusal, local=LocalReading(), server=ServerReading())
    first = judge(told).findings[0]
    assert first.id == "init-not-installed"
    assert "test_2_job.py::test_job_was_submitted" in first.explains


def waiting(reason: str, **change: Any) -> Evidence:
    scheduler = slurm(final_state=None, states=(SlurmState(state="PENDING", reason=reason, at=1.0),))
    return evidence(job=Job(**{"ending": "pending", "slurm": scheduler, **change}))


@pytest.mark.parametrize("reason", ["Priority", "QOSMaxJobsPerUserLimit", "AssocGrpGRESMinutes", "SomethingNew"])
def test_job_that_never_started(reason: str) -> None:
    told = hits(rules.RULES, waiting(reason, stopped_by_harness="it waited too long"))
    assert set(told) == {"job-pending-forever"}
    assert told["job-pending-forever"].observed[0].startswith(f"PENDING ({reason})")


@pytest.mark.parametrize(
    ("reason", "stopped", "title", "observed"),
    [
        ("Priority", "it waited too long", "other jobs are ahead in the queue",
         ("PENDING (Priority): other jobs are ahead in the queue.", "Job 4242: it waited too long.")),
        ("SomethingNew", None, "SomethingNew", ("PENDING (SomethingNew)",)),
        ("", None, "Slurm gave no reason", ("PENDING",)),
    ],
)  # fmt: skip
def test_why_a_job_waits_is_told(reason: str, stopped: str | None, title: str, observed: tuple[str, ...]) -> None:
    (finding,) = diagnose(waiting(reason, stopped_by_harness=stopped), rules.RULES)
    assert finding.title == f"The job did not start: {title}"
    assert finding.observed == observed


def test_a_job_that_left_the_queue_did_not_wait_for_ever() -> None:
    assert found(waiting("Priority", ending="cancelled", stopped_by_harness="it waited")) == {"job-pending-forever"}
    assert not found(waiting("Priority", ending="cancelled"))
    assert not found(waiting("Priority", ending="node_fail"))
    assert not found(evidence(job=Job(ending="pending", slurm=slurm(final_state=None))))


@pytest.mark.parametrize(("reason", "told"), [("Priority", True), ("launch failed requeued held", False)])
def test_a_start_that_slurm_foresees_is_told_of_only_where_the_job_will_start(reason: str, told: bool) -> None:
    scheduler = slurm(
        final_state=None, states=(SlurmState(state="PENDING", reason=reason, at=1.0),), expected_start="23:00"
    )
    observed = hits(rules.RULES, evidence(job=Job(ending="pending", slurm=scheduler)))["job-pending-forever"].observed
    assert any("23:00" in line for line in observed) is told


def test_waiting_that_is_no_fault() -> None:
    assert not found(waiting("Priority", ending="interrupted", stopped_by_harness="interrupted"))
    assert not found(waiting("Priority", ending="completed", started_at=1000.0))


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("TIMEOUT", "job-time-limit"),
        ("DEADLINE", "job-time-limit"),
        ("OUT_OF_MEMORY", "job-oom"),
        ("NODE_FAIL", "job-node-fail-requeue"),
        ("CANCELLED by 1000", "job-preempted-cancelled"),
        ("PREEMPTED", "job-preempted-cancelled"),
    ],
)
def test_final_states(state: str, fault: str) -> None:
    assert found(ran(scheduler=slurm(final_state=state))) == {fault}


def test_step_out_of_memory() -> None:
    step = SlurmStep(id="4242.0", state="OUT_OF_MEMORY", exit_code="0:125")
    assert found(ran(scheduler=slurm(final_state="FAILED", steps=(step,)))) == {"job-oom"}


@pytest.mark.parametrize(
    ("change", "observed"),
    [
        ({"exit_code": "0:125", "max_rss": "480G"},
         ("Slurm: OUT_OF_MEMORY 0:125.", "The largest step used 480G.")),
        ({"exit_code": None}, ("Slurm: OUT_OF_MEMORY.",)),
    ],
)  # fmt: skip
def test_what_slurm_says_of_the_memory_is_told(change: dict[str, Any], observed: tuple[str, ...]) -> None:
    assert (
        hits(rules.RULES, ran(scheduler=slurm(final_state="OUT_OF_MEMORY", **change)))["job-oom"].observed == observed
    )


def test_how_far_the_job_came_before_its_time_limit_is_told() -> None:
    epochs = tuple(EpochSeen(epoch=n, line=n) for n in (1, 2, 3))
    stopped = ran(output=output("x", epochs=epochs), scheduler=slurm(final_state="TIMEOUT"))
    (finding,) = diagnose(stopped, rules.RULES)
    assert finding.title == "The job reached its time limit of 00:10:00"
    assert finding.observed == (
        "Slurm: TIMEOUT, time limit 00:10:00.",
        "The last epoch that was printed is 3.",
    )
    assert hits(rules.RULES, ran(scheduler=slurm(final_state="TIMEOUT")))["job-time-limit"].observed == (
        "Slurm: TIMEOUT, time limit 00:10:00.",
    )


def test_cancelled_by_the_harness_is_no_fault() -> None:
    assert not found(ran(scheduler=slurm(final_state="CANCELLED by 0"), stopped_by_harness="interrupted"))


def test_node_failure_before_a_good_end_is_only_told() -> None:
    scheduler = slurm(restarts=1, earlier=("NODE_FAIL",))
    told = hits(rules.RULES, ran(ending="completed", scheduler=scheduler))["job-node-fail-requeue"]
    assert (told.severity, told.fails) == ("info", ())


NODE_FAILURE = "srun: error: Node failure on nid005002"
OVERWRITTEN = "The output file was overwritten at the restart."


@pytest.mark.parametrize(
    ("evidence", "title", "observed"),
    [
        (
            ran(scheduler=slurm(final_state="NODE_FAIL")), "A node of the job failed",
            ("Slurm: NODE_FAIL; started again 0 times.",),
        ),
        (
            ran(scheduler=slurm(final_state="FAILED", restarts=2, earlier=("NODE_FAIL", "FAILED"), output_restarts=1)),
            "A node of the job failed, and Slurm started it again (2 times)",
            ("Slurm: FAILED; started again 2 times.", OVERWRITTEN),
        ),
        (evidence(job=job(NODE_FAILURE, ending="failed")), "A node of the job failed", (NODE_FAILURE,)),
        (
            ran(NODE_FAILURE, ending="unknown", scheduler=slurm(final_state=None)), "A node of the job failed",
            (NODE_FAILURE,),
        ),
    ],
    ids=["it ended the job", "it was started again", "told by the output alone", "Slurm did not say how it ended"],
)  # fmt: skip
def test_what_became_of_the_job_after_a_node_failed(evidence: Evidence, title: str, observed: tuple[str, ...]) -> None:
    (finding,) = diagnose(evidence, rules.RULES)
    assert (finding.id, finding.title) == ("job-node-fail-requeue", title)
    assert finding.observed == observed


def test_a_restart_for_another_reason_is_no_node_failure() -> None:
    assert not found(ran(ending="completed", scheduler=slurm(restarts=1, earlier=("PREEMPTED",))))


TEXTS = {
    "job-time-limit": "slurmstepd: error: *** JOB 4 ON nid1 CANCELLED AT 2026-11-23T06:00:00 DUE TO TIME LIMIT ***",
    "job-oom": "slurmstepd: error: Detected 1 oom_kill event in StepId=1.0. Some of the step tasks OOM Killed.",
    "job-node-fail-requeue": "srun: error: Node failure on nid005002",
    "job-preempted-cancelled": "slurmstepd: error: *** STEP 1.0 ON nid005001 CANCELLED AT 2026-11-23T06:00:00 ***",
    "job-sif-missing": "FATAL:   could not open image /appl/x.sif: failed to retrieve path for /appl/x.sif: lstat",
    "job-container-mount-fatal": "FATAL:   container creation failed: mount /var/spool/slurmd->/var/spool/slurmd error",
    "job-module-missing": 'Lmod has detected the following error: The following module(s) are unknown: "aif"',
    "job-cpu-bind-mask": "srun: error: CPU binding outside of job step allocation, allocated CPUs are: 0xFE.",
    "job-port-in-use": "The server socket has failed to bind to [::]:29500 (errno: 98 - Address already in use).",
    "job-gpu-driver-mismatch": "RuntimeError: No HIP GPUs are available",
    "job-miopen-sqlite": "MIOpen Error: /s/sqlite_db.cpp:220: Internal error while accessing SQLite database: locking",
    "job-rccl-wrong-iface": "NCCL WARN Net : Connect to 10.120.24.10<52061> failed : No route to host",
    "job-rccl-timeout": "[rank1]:[E] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1)",
    "job-rccl-no-ofi-plugin": "nid005000:1:1 [0] NCCL INFO Using network Socket",
}


@pytest.mark.parametrize("fault", TEXTS)
def test_texts_of_a_job_log_alone(fault: str) -> None:
    request = Request(source="job_log", target="none", server="none", job_kind="none", nodes=2)
    assert found(evidence(request=request, job=Job(output=output(TEXTS[fault])))) == {fault}


def test_values_for_the_advice() -> None:
    told = hits(rules.RULES, ran(TEXTS["job-port-in-use"], TEXTS["job-module-missing"], TEXTS["job-sif-missing"]))
    assert told["job-port-in-use"].values["port"] == "29500"
    assert told["job-module-missing"].values["module"] == "aif"
    assert told["job-sif-missing"].values["image"] == "/appl/x.sif"


@pytest.mark.parametrize(
    "text",
    [
        "Epoch 1, Loss: 2.0",
        "srun: job 4242 queued and waiting for resources",
        "NCCL INFO NET/OFI Selected Provider is cxi",
        "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB",
        "wandb: WARNING Serializing object of type dict",
        "Lmod is automatically replacing cce/17 with gcc/13",
    ],
)
def test_neighbours_are_silent(text: str) -> None:
    assert not found(ran(text, ending="completed", scheduler=slurm()))


def test_healthy_job_is_silent() -> None:
    ranks = tuple(RankSeen(rank=r, world_size=16, device="cuda:0") for r in range(16))
    told = ran(ending="completed", scheduler=slurm())
    healthy = told.job.model_copy(update={"output": output("Epoch 1, Loss: 1", ranks=ranks)})  # type: ignore[union-attr]  # built above
    assert not found(told.model_copy(update={"job": healthy}))
    assert not found(evidence())


def test_a_job_that_is_cancelled_before_it_starts_never_started() -> None:
    gone = {"scheduler": slurm(final_state="CANCELLED by 1000"), "ending": "cancelled"}
    told = ran(**gone)
    waiting = told.model_copy(update={"job": told.job.model_copy(update={"started_at": None})})
    assert hits(rules.RULES, waiting)["job-preempted-cancelled"].fails == ("test_job_started",)
    assert hits(rules.RULES, told)["job-preempted-cancelled"].fails is None
    without_slurm = evidence(job=job("slurmstepd: error: *** JOB 7 ON nid005000 CANCELLED AT 2026-11-26T00:14:03 ***"))
    assert hits(rules.RULES, without_slurm)["job-preempted-cancelled"].fails is None
