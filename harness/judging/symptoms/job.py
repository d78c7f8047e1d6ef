"""The job as checks ask about it."""

from harness.evidence.models import Evidence, Job, RankSeen
from harness.judging.outcomes import NotApplicable, NotChecked

ENDED_BADLY = {
    "failed": "it ended with an error", "timeout": "it reached its time limit", "cancelled": "it was cancelled",
    "out_of_memory": "it ran out of memory", "node_fail": "its node failed",
    "interrupted": "it was interrupted", "running": "it is still running", "pending": "it is still waiting",
}  # fmt: skip


class JobSubject:
    """One job; every property is NotApplicable where no job was asked for."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    @property
    def facts(self) -> Job:
        """The evidence of a job that the harness started."""
        if self._evidence.request.source != "job" or self._evidence.job is None:
            raise NotApplicable("no job was started: what already ran is judged")
        return self._evidence.job

    @property
    def refusal(self) -> str | None:
        """Why there is no job."""
        job = self.facts
        if job.ending == "refused":
            words = job.slurm.submit_stderr.strip() if job.slurm else ""
            return words or job.stopped_by_harness or "the scheduler refused it"
        return "it was not submitted" if job.ending == "not_submitted" else None

    @property
    def waiting(self) -> str | None:
        """Why it did not start."""
        job = self.facts
        if job.started_at is not None or job.ending not in ("pending", "unknown", "cancelled"):
            return None
        if job.ending == "cancelled":
            return "it was cancelled while it waited"
        states = job.slurm.states if job.slurm else ()
        last = f"{states[-1].state} ({states[-1].reason or 'no reason given'})" if states else job.ending
        return f"the last state seen was {last}"

    @property
    def bad_end(self) -> str | None:
        """How it ended, unless it completed; of what already ran, as far as its output tells."""
        told = self._evidence.job
        if self._evidence.request.source != "job" and told is not None:
            if told.ending == "unknown":
                raise NotApplicable("the job's output does not tell how it ended")
            job = told
        else:
            job = self.facts
        if job.ending == "completed":
            return None
        if job.ending == "unknown":
            raise NotChecked("how the job ended is not known")
        how = ENDED_BADLY.get(job.ending, job.ending)
        status = f", exit code {job.exit_code}" if job.exit_code else f", signal {job.signal}" if job.signal else ""
        slurm = f" (Slurm: {job.slurm.final_state} {job.slurm.exit_code or ''})" if job.slurm else ""
        return f"{how}{status}{slurm}" + (f"; {job.stopped_by_harness}" if job.stopped_by_harness else "")

    @property
    def world_size(self) -> int:
        """Ranks that were asked for."""
        asked = self._evidence.request.world_size
        if asked is None:
            raise NotApplicable("how many ranks the job has is its own affair")
        return asked

    @property
    def ranks(self) -> tuple[RankSeen, ...]:
        """Ranks that said they joined."""
        job = self.facts
        if not job.output.ranks:
            if self._evidence.request.job_kind != "builtin":
                how = "to have it checked, let each of them print `Rank 0 of 8 joined`"
                raise NotApplicable(f"your script does not say which ranks joined; {how}")
            if job.output.trouble:
                raise NotChecked(f"the job's output could not be read: {job.output.trouble.text}")
        return job.output.ranks
