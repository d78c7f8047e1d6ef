"""Tells what is known of a Slurm job: as evidence, and in a few words for the live view."""

from __future__ import annotations

import time

from harness.evidence.models import Job, SlurmJob, slurm_states
from harness.evidence.models.job import Ending
from harness.targets.slurm.commands import Answer, seconds
from harness.targets.slurm.container import Image
from harness.targets.slurm.facts import Facts, split_exit
from harness.targets.slurm.launches import launches
from harness.targets.slurm.submission import Submission

INTERRUPTED = "interrupted"


def phase(facts: Facts, *, over: bool) -> str:
    """Say where the job stands; a pending reason in words."""
    job_id = facts.job_id
    if job_id is None:
        return "refused" if over else "submitting"
    if not facts.states:
        return f"job {job_id} submitted"
    last = facts.states[-1]
    if facts.away and not over:
        return f"job {job_id} {last.state.lower()}: Slurm does not answer now; the job is not lost"
    if last.state not in slurm_states.WAITING:
        return f"job {job_id} {last.state.lower()}"
    words = slurm_states.meaning(last.reason)
    why = f"{words} ({last.reason})" if words else last.reason
    # Slurm also names a time for a job that will not start as things are.
    when = ", will not start by itself" if slurm_states.NEVER.search(last.reason) else _expected(facts.expected_start)
    return f"job {job_id} pending{when}" + (f": {why}" if why else "")


def _expected(start: str | None) -> str:
    """Say when Slurm expects the start; with the day where it is not today."""
    at = seconds(start)
    if at is None:
        return ""
    then, now = time.localtime(at), time.localtime()
    return time.strftime(", start expected %H:%M" if then[:3] == now[:3] else ", start expected %a %d %b %H:%M", then)


def ending_of(facts: Facts, why: str | None, exit_code: int | None) -> Ending:
    """Say how the job ended.

    Args:
        facts: what Slurm said.
        why: why the harness ended it, or None.
        exit_code: what the job itself told last, for a Slurm that stays away.
    """
    if facts.job_id is None:
        return "refused"
    if why:
        return "interrupted" if why == INTERRUPTED or facts.ran else "pending"
    ending = slurm_states.ending(facts.final_state)
    if ending == "failed" and facts.out_of_memory:
        return "out_of_memory"
    if facts.final_state is None and exit_code is not None:
        return "completed" if exit_code == 0 else "failed"
    if facts.final_state is None and facts.states:
        return slurm_states.ending(facts.states[-1].state)
    return ending


def job_facts(
    facts: Facts,
    slurm: SlurmJob,
    sent: Submission | None,
    *,
    why: str | None,
    refusal: str | None,
    exit_code: int | None,
) -> Job:
    """Put the job into evidence.

    Args:
        slurm: what Slurm knows of it.
        sent: how the harness submitted it, if it did.
        why: why the harness ended it, or None.
        refusal: why the harness did not submit it, or None.
        exit_code: what the job itself told last.
    """
    code, signal = split_exit(facts.exit_code if facts.final_state else None)
    return Job(
        ending=ending_of(facts, why, exit_code),
        argv=("sbatch", *sent.argv) if sent else (),
        cwd=str(sent.cwd) if sent else str(facts.left.folder) if facts.left.folder else None,
        started_at=facts.started_at,
        ended_at=facts.ended_at,
        exit_code=code if code is not None else exit_code,
        signal=signal,
        stopped_by_harness=why or refusal,
        slurm=slurm,
    )


def slurm_job(
    facts: Facts,
    sent: Submission | None,
    answer: Answer | None,
    image: Image | None,
    *,
    restarts: int,
    attached: bool,
    step: str | None,
    per_gpu: float,
) -> SlurmJob:
    """Put what Slurm knows of the job into evidence.

    Args:
        restarts: how often the output file was begun anew.
        step: the job step that was asked for.
        per_gpu: GPU-hours that an hour of one of Slurm's GPUs costs.
    """
    earlier = tuple(row.get("State", "") for row in facts.accounted.earlier) if facts.accounted else ()
    return SlurmJob(
        job_id=facts.job_id,
        raw_id=facts.said("JobId", "JobIDRaw"),
        leader=facts.job_id.partition("+")[0] if facts.job_id and "+" in facts.job_id else None,
        step=step,
        submit_stderr=answer.err.strip() if answer else "",
        submit_exit_code=answer.code if answer else None,
        states=tuple(facts.states),
        final_state=facts.final_state,
        exit_code=facts.exit_code,
        restarts=facts.restarts,
        nodes=facts.nodes,
        account=facts.said("Account", "Account") or (sent.account if sent else None),
        partition=facts.said("Partition", "Partition") or (sent.partition if sent else None),
        time_limit=facts.said("TimeLimit", "Timelimit"),
        expected_start=facts.expected_start,
        elapsed_s=facts.elapsed_s,
        gpus=facts.gpus,
        gpu_hours=facts.gpu_hours(per_gpu),
        max_rss=facts.max_rss(),
        steps=facts.steps(),
        earlier=earlier,
        output_restarts=restarts,
        sbatch_variables=dict(sent.sbatch_variables) if sent else {},
        attached=attached,
        script_path=str(sent.script) if sent else str(facts.left.script) if facts.left.script else None,
        launches=launches(facts.left.text, facts.left.options),
        attempts=facts.attempts(),
        submitted_with=None if facts.left.submitted_with is None else dict(facts.left.submitted_with),
        script_sets=facts.left.script_sets,
        kept_out=facts.left.environment_words,
        unloaded=facts.left.module_words,
        container_action=sent.container_action if sent else None,
        container=str(image.path) if image else None,
        container_exists=image.exists if image else None,
        container_wandb=image.wandb if image else None,
        troubles=tuple(facts.troubles),
    )
