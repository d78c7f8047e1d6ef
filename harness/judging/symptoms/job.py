"""Symptoms of the job: did it run to its end, with every rank?"""

from harness.evidence.models import Job
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.outcomes import NotApplicable, NotChecked

ENDED_BADLY = {
    "failed": "it ended with an error", "timeout": "it reached its time limit", "cancelled": "it was cancelled",
    "out_of_memory": "it ran out of memory", "node_fail": "its node failed",
    "interrupted": "it was interrupted", "running": "it is still running", "pending": "it is still waiting",
}  # fmt: skip


def _job(case: Case) -> Job:
    """The job that the harness started."""
    if case.evidence.request.source != "job" or case.evidence.job is None:
        raise NotApplicable("no job was started: what already ran is judged")
    return case.evidence.job


def job_was_submitted(case: Case, _: str) -> str | None:
    """There is no job."""
    job = _job(case)
    if job.ending == "refused":
        words = job.slurm.submit_stderr.strip() if job.slurm else ""
        return words or job.stopped_by_harness or "the scheduler refused it"
    return "it was not submitted" if job.ending == "not_submitted" else None


def job_started(case: Case, _: str) -> str | None:
    """The job did not start."""
    job = _job(case)
    if job.started_at is not None or job.ending not in ("pending", "unknown", "cancelled"):
        return None
    if job.ending == "cancelled":
        return "it was cancelled while it waited"
    states = job.slurm.states if job.slurm else ()
    last = f"{states[-1].state} ({states[-1].reason or 'no reason given'})" if states else job.ending
    return f"the last state seen was {last}"


def job_completed(case: Case, _: str) -> str | None:
    """The job ended badly; of what already ran, as far as its output tells."""
    told = case.evidence.job
    if case.evidence.request.source != "job" and told is not None:
        if told.ending == "unknown":
            raise NotApplicable("the job's output does not tell how it ended")
        job = told
    else:
        job = _job(case)
    if job.ending == "completed":
        if last := _ends_in_an_error(job):
            raise NotChecked(f"Slurm says {job.slurm.final_state if job.slurm else ''}, and the output ends in {last}")
        return None
    if job.ending == "unknown":
        troubles = job.slurm.troubles if job.slurm else ()
        why = f": {troubles[-1].text}" if troubles else ""
        raise NotChecked(f"how the job ended is not known{why}")
    how = ENDED_BADLY.get(job.ending, job.ending)
    status = f", exit code {job.exit_code}" if job.exit_code else f", signal {job.signal}" if job.signal else ""
    slurm = f" (Slurm: {job.slurm.final_state} {job.slurm.exit_code or ''})" if job.slurm else ""
    return f"{how}{status}{slurm}" + (f"; {job.stopped_by_harness}" if job.stopped_by_harness else "")


def _ends_in_an_error(job: Job) -> str | None:
    """The traceback behind which the output of a job holds nothing, where Slurm says that all went well."""
    last = next((line.text for line in reversed(job.output.tail) if line.text.strip()), "")
    if job.slurm is None or job.slurm.final_state is None or not job.output.errors:
        return None
    error = job.output.errors[-1]
    said = f"{error.exception}: {error.message}".partition("\n")[0]
    return said if last and said.startswith(last) else None


def every_rank_joined(case: Case, _: str) -> str | None:
    """Ranks are missing, or disagree how many there are."""
    job, request = _job(case), case.evidence.request
    if not job.output.ranks:
        if request.job_kind != "builtin":
            how = "to have it checked, let each of them print `Rank 0 of 8 joined`"
            raise NotApplicable(f"your script does not say which ranks joined; {how}")
        if job.output.trouble:
            raise NotChecked(f"the job's output could not be read: {job.output.trouble.text}")
    if request.world_size is None:
        raise NotApplicable("how many ranks the job has is its own affair")
    joined = sorted({r.rank for r in job.output.ranks})
    if joined != list(range(request.world_size)):
        return f"ranks {joined} of {request.world_size} joined"
    return None


FILE = "test_2_job.py"
CHECKS = (
    Check(FILE, "test_job_was_submitted", job_was_submitted),
    Check(FILE, "test_job_started", job_started, needs=("test_job_was_submitted",)),
    Check(
        FILE, "test_job_completed", job_completed, needs=("test_job_started",), shows="end",
        brings=("test_init_succeeded", "test_run_finished", "test_series_is_present", "test_series_has_every_point",
                "test_nothing_was_lost"),
    ),
    Check(FILE, "test_every_rank_joined", every_rank_joined, needs=("test_job_started",), shows="rows"),
)  # fmt: skip
