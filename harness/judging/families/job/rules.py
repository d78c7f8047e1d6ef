"""Rules for the family job, first part: what Slurm said when the job was submitted, waited and ended."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, SlurmJob
from harness.evidence.models.slurm_states import NEVER, base, meaning
from harness.judging.families.job.contradicted import RULES as CONTRADICTED_RULES
from harness.judging.families.job.launch import RULES as LAUNCH_RULES
from harness.judging.families.job.output import RULES as OUTPUT_RULES
from harness.judging.families.job.start import RULES as START_RULES
from harness.judging.rule import Hit, Rule
from harness.judging.view import said

REFUSALS: dict[str, str] = {
    "job-slurm-unreachable": (
        r"Unable to contact slurm controller|Munge encode failed|Protocol authentication error"
        r"|Zero Bytes were transmitted|Could not establish a configuration source|Socket timed out on send/recv"
        r"|Unable to process configuration file|sbatch did not answer"
    ),
    "job-submit-limit": r"QOSMaxSubmitJob|AssocGrpSubmitJobsLimit|QOSGrpSubmitJobsLimit",
    "job-bad-account": (
        r"Invalid account|AssocMaxSubmitJobLimit|Job violates accounting/QOS policy|Invalid qos specification"
        r"|no valid account|must specify an? account|User .* not in account"
    ),
    "job-bad-partition": (
        r"invalid partition specified|Invalid partition name|User's group not permitted to use this partition"
    ),
    "job-over-limit": (
        r"Requested time limit is invalid|Node count specification invalid|PartitionTimeLimit|PartitionNodeLimit"
        r"|More processors requested than permitted"
    ),
    "job-node-config-unavailable": (
        r"Requested node configuration is not available|Memory specification can not be satisfied|CPU count per node"
        r"|Invalid generic resource"
    ),
    "job-bad-script": (
        r"Unable to open file|Batch script is empty|does not look like a batch script|DOS line breaks"
        r"|unrecognized option|invalid option|Invalid --\w[\w-]* specification|Pathname of a file .* too long"
    ),
}
"""What sbatch says, the first that fits; sbatch says no more than this."""
CANCELLED = r"\*\*\* (JOB|STEP) \S+ ON \S+ CANCELLED AT \S+ (DUE TO PREEMPTION )?\*\*\*"


def _slurm(evidence: Evidence) -> SlurmJob | None:
    return evidence.job.slurm if evidence.job else None


def refused(evidence: Evidence) -> Iterator[Hit]:
    """Sbatch gave a reason."""
    job, slurm = evidence.job, _slurm(evidence)
    if job is None or slurm is None or job.ending != "refused":
        return
    words = tuple(line for line in slurm.submit_stderr.splitlines() if line.strip())
    found = next((i for i, p in REFUSALS.items() if re.search(p, slurm.submit_stderr)), "job-refused")
    if not words and job.stopped_by_harness:
        return
    overriding = tuple(
        f"{name}={value} in your environment wins over the script's line."
        for name, value in slurm.sbatch_variables.items()
        if name in ("SBATCH_ACCOUNT", "SBATCH_PARTITION")
    )
    nameless = found == "job-bad-account" and slurm.account is None and not overriding
    asked = ("No account was named: neither by --lumi-account nor by SBATCH_ACCOUNT.",) if nameless else ()
    script = slurm.script_path or "<script>"
    yield Hit(
        id=found,
        observed=(*words[:4], *overriding, *asked) or (f"sbatch ended with exit code {slurm.submit_exit_code}.",),
        values={"batch_script": script, "script": script} | ({"account": "(none is named)"} if nameless else {}),
    )


def waits(evidence: Evidence) -> Iterator[Hit]:
    """The job was accepted and never ran."""
    job, slurm = evidence.job, _slurm(evidence)
    if (
        job is None
        or slurm is None
        or slurm.job_id is None
        or job.started_at is not None
        or job.ending == "interrupted"
    ):
        return
    waiting = [s for s in slurm.states if base(s.state) in ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD")]
    if not waiting or job.ending not in ("pending", "cancelled"):
        return
    if job.ending == "cancelled" and not job.stopped_by_harness:
        return
    last = waiting[-1]
    words = meaning(last.reason)
    because = f" ({last.reason})" + (f": {words}." if words else "") if last.reason else ""
    # Slurm also names a time for a job that will not start as things are.
    foreseen = slurm.expected_start and not NEVER.search(last.reason)
    start = (f"Slurm expects it to start at {slurm.expected_start}.",) if foreseen else ()
    stopped = (f"Job {slurm.job_id}: {job.stopped_by_harness}.",) if job.stopped_by_harness else ()
    yield Hit(
        id="job-pending-forever",
        observed=(last.state + because, *start, *stopped),
        values={"reason_words": words or last.reason or "Slurm gave no reason"},
    )


def image_missing(evidence: Evidence) -> Iterator[Hit]:
    """The container image was not there: before the job, or when the job wanted to start it."""
    slurm = _slurm(evidence)
    text = said(evidence, r"could not open image|image .*\.(sif|sqsh|simg)\S* (not found|does not exist)")
    if slurm and slurm.container and slurm.container_exists is False:
        image = slurm.container
        yield Hit(id="job-sif-missing", observed=(f"{image} does not exist.",), values={"image": image})
    elif text:
        found = re.search(r"could not open image ([^\s:]+)", text[0])
        yield Hit(id="job-sif-missing", observed=text, values={"image": found[1] if found else "The image"})


def time_limit(evidence: Evidence) -> Iterator[Hit]:
    """Slurm ended the job at its time limit."""
    slurm = _slurm(evidence)
    text = said(evidence, r"CANCELLED AT .*DUE TO TIME LIMIT", limit=1)
    state = base(slurm.final_state or "") if slurm else ""
    if not text and state not in ("TIMEOUT", "DEADLINE"):
        return
    told = (f"Slurm: {slurm.final_state}, time limit {slurm.time_limit}.",) if slurm and slurm.final_state else ()
    epochs = evidence.job.output.epochs if evidence.job else ()
    progress = (f"The last epoch that was printed is {epochs[-1].epoch}.",) if epochs else ()
    limit = (slurm.time_limit if slurm else None) or "<time>"
    yield Hit(
        id="job-time-limit",
        observed=(*told, *text, *progress),
        values={"time_limit": limit, "more_time": _doubled(limit)},
    )


def _doubled(limit: str) -> str:
    """Twice the time, as Slurm writes it; half an hour where it is not known."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)", limit)
    if match is None:
        return "00:30:00"
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    whole = 2 * (((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def out_of_memory(evidence: Evidence) -> Iterator[Hit]:
    """Main memory ran out; inside a step Slurm calls the whole job FAILED."""
    slurm = _slurm(evidence)
    text = said(
        evidence,
        r"oom[_-]kill event|srun: error: .*task .*: Out Of Memory|Exceeded (job|step) memory limit"
        r"|slurmstepd: error: .*exceeded memory limit",
    )
    states = [slurm.final_state or "", *(s.state for s in slurm.steps)] if slurm else []
    if not text and not any(base(s) == "OUT_OF_MEMORY" for s in states):
        return
    told = (f"Slurm: {slurm.final_state} {slurm.exit_code or ''}".strip() + ".",) if slurm and slurm.final_state else ()
    used = (f"The largest step used {slurm.max_rss}.",) if slurm and slurm.max_rss else ()
    yield Hit(id="job-oom", observed=(*told, *text, *used))


def node_failed(evidence: Evidence) -> Iterator[Hit]:
    """A node died under the job; a job that was started again and went well is only told of."""
    job, slurm = evidence.job, _slurm(evidence)
    if job is None:
        return
    text = said(evidence, r"DUE TO NODE FAILURE|srun: error: Node failure on")
    died = slurm is not None and base(slurm.final_state or "") in ("NODE_FAIL", "BOOT_FAIL")
    before = any(base(s) in ("NODE_FAIL", "BOOT_FAIL") for s in (slurm.earlier if slurm else ()))
    restarts = slurm.restarts if slurm else 0
    if not (text or died or before):
        return
    lost = ("The output file was overwritten at the restart.",) if slurm and slurm.output_restarts else ()
    told = (f"Slurm: {slurm.final_state}; started again {restarts} times.",) if slurm and slurm.final_state else ()
    good = job.ending == "completed"
    yield Hit(
        id="job-node-fail-requeue",
        observed=(*told, *text, *lost),
        values={"requeued": f", and Slurm started it again ({restarts} times)" if restarts else ""},
        severity="info" if good else None,
        fails=() if good else None,
    )


def cancelled(evidence: Evidence) -> Iterator[Hit]:
    """Somebody, or a job of higher priority, ended it."""
    job, slurm = evidence.job, _slurm(evidence)
    if job is None or job.stopped_by_harness:
        return
    text = said(evidence, CANCELLED)
    state = base(slurm.final_state or "") if slurm else ""
    if state in ("CANCELLED", "PREEMPTED", "REVOKED") or (text and not state):
        told = (f"Slurm: {slurm.final_state}.",) if slurm and slurm.final_state else ()
        never_ran = ("test_job_started",) if slurm and job.started_at is None else None
        yield Hit(id="job-preempted-cancelled", observed=(*told, *text), fails=never_ran)


RULES: tuple[Rule, ...] = (
    refused, waits, image_missing, time_limit, out_of_memory, node_failed, cancelled, *OUTPUT_RULES, *LAUNCH_RULES,
    *START_RULES, *CONTRADICTED_RULES,
)  # fmt: skip
