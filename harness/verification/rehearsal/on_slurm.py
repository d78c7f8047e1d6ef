"""Rehearses a requeue on a real Slurm: a second job, which `scontrol requeue` ends in its middle and starts again."""

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.disk.run_dirs import snapshot_run_dirs, wandb_folders
from harness.evidence.models import (
    Attempt,
    Evidence,
    LocalRun,
    Rehearsal,
    Rehearsals,
    SdkSettings,
    slurm_states,
)
from harness.evidence.setup.job_settings import JobSettings
from harness.settings.model import Settings
from harness.targets import environment as job_environment
from harness.targets.base import log_path
from harness.targets.interrupts import Interrupts
from harness.targets.slurm.target import SlurmTarget
from harness.verification.clock import Clock
from harness.verification.live_job import watch_job
from harness.verification.prepared import Prepared
from harness.verification.progress import Progress
from harness.verification.rehearsal.cases import Undisturbed
from harness.verification.rehearsal.ground import case_settings
from harness.verification.rehearsal.play import dropped, told_by
from harness.verification.rehearsal.rehearse import init_arguments, not_working

HALF = 0.5


@dataclass
class Moments:
    """When the job was requeued."""

    struck_at: float | None = None
    """Unix seconds."""
    lines_before: int | None = None
    """Lines of its output when it first waited again."""


class RequeuedJob(SlurmTarget):
    """A Slurm job that is requeued once, when it is time."""

    due: Callable[[], bool]
    moments: Moments
    lines = 0

    def running(self) -> bool:
        """Look at the job, and requeue it when it is time; one that Slurm does not requeue is ended."""
        moments = self.moments
        if moments.struck_at is None and self.started() and self.due():
            moments.struck_at = time.time()
            if trouble := self.requeue():
                self.cancel(f"Slurm does not requeue it: {trouble.text}")
        alive = super().running()
        if moments.struck_at and moments.lines_before is None and not self.started():
            moments.lines_before = self.lines
        return alive

    def new_lines(self) -> list[str]:
        """Output since the last call."""
        found = super().new_lines()
        self.lines += len(found)
        return found


def rehearse_on_slurm(
    settings: Settings, evidence: Evidence, known: Prepared, own: JobSettings, folder: Path, progress: Progress,
    clock: Clock, interrupts: Interrupts | None, unwritten: Callable[[str], None],
) -> Rehearsals:  # fmt: skip
    """Submit the job again and requeue it; nothing where it did not work undisturbed.

    Args:
        settings: what to rehearse.
        evidence: of the undisturbed job.
        known: what was known before that.
        own: what W&B is set to here.
        folder: the report folder; the second job gets one in it.
        progress: told what happens.
        clock: notes how long that takes.
        interrupts: what may end it early.
        unwritten: told of a file that could not be written as it should be.
    """
    if (why := not_working(evidence)) or known.ground is None:
        return Rehearsals(skipped=why)
    before = Undisturbed.of(evidence)
    place = folder / "rehearsal"
    shutil.rmtree(place, ignore_errors=True)
    started = evidence.job.started_at if evidence.job else None
    case = case_settings(settings, place / "job", known.cwd, started or 0.0)
    request = evidence.request.model_copy(update={"token": f"rehearsal-{secrets.token_hex(6)}"})
    environment = job_environment.job_environment(case, known.users, request.token or "")
    version = known.setup.python.wandb_version if known.setup.python else None
    # The SDK was asked in another folder: where it would put runs here, it has not said.
    sdk = (known.setup.sdk or SdkSettings()).model_copy(update={"root_dir": None})
    there = own.moved(known.users, case.cwd).corrected(sdk, version).started_with(environment)
    beside = [Path(run.path).parent for run in evidence.local.runs]
    folders = list(dict.fromkeys((*wandb_folders(there.env, there.cwd, there.wandb_root()), *beside)))
    old, seen = snapshot_run_dirs(folders), list[float]()

    def due() -> bool:
        if not seen and snapshot_run_dirs(folders) - old:
            seen.append(time.monotonic())
        return bool(seen) and time.monotonic() - seen[0] >= before.moment(HALF)

    job = RequeuedJob(
        case, place, environment, image=known.ground.image, site=known.ground.site, interrupts=interrupts
    )  # fmt: skip
    job.due, job.moments = due, Moments()
    found = watch_job(
        job, case, request, known.setup, there, progress, clock, log=log_path(place), unwritten=unwritten
    )  # fmt: skip
    return Rehearsals(cases=(told(before, found, job.moments),), init_arguments=init_arguments(settings, own.env))


def told(before: Undisturbed, found: Evidence, moments: Moments) -> Rehearsal:
    """What the second job came to, as a case: its run directories before and after the requeue, and the server."""
    case, ended, struck = before.case("requeue", how="slurm"), found.job, moments.struck_at
    again = ended.started_at if ended and ended.slurm and ended.slurm.restarts else None
    if ended is None or struck is None or again is None:
        why = (ended.stopped_by_harness if ended else None) or "the job ended before the moment of the requeue came"
        return case.model_copy(update={"not_played": why})
    if found.server.status != "read":
        text = found.server.trouble.text if found.server.trouble else "it was not asked"
        return case.model_copy(update={"not_played": f"the server could not be read: {text}"})
    states = ended.slurm.states if ended.slurm else ()
    begun = next((s.at for s in states if s.state in slurm_states.RUNNING), struck)
    waiting = (s.at for s in states if s.at > struck and s.state in slurm_states.WAITING)
    runs = found.local.runs
    early = [run for run in runs if _begun(run) < struck]
    late = [run for run in runs if _begun(run) >= struck]
    last = _attempt(late, again - begun, (ended.ended_at or again) - begun).model_copy(
        update={
            "exit_code": ended.exit_code, "signal": ended.signal, "over_limit": ended.ending == "timeout",
            "errors": tuple(e for e in ended.output.errors if e.line > (moments.lines_before or 0))[:8],
            "dropped": dropped(ended.output),
        }
    )  # fmt: skip
    return case.model_copy(
        update={
            "attempts": (_attempt(early, 0.0, next(waiting, struck) - begun), last),
            "struck_s": struck - begun, "back_s": last.begun_s,
            "runs_on_server": tuple(run.id for run in found.server.runs),
            "rows_on_disk": sum(run.log.history_rows for run in runs),
            "rows_on_server": sum(run.rows or 0 for run in found.server.runs),
        }
    )  # fmt: skip


def _begun(run: LocalRun) -> float:
    return (run.log.run.start_time if run.log.run else None) or run.started_at or 0.0


def _attempt(runs: list[LocalRun], begun_s: float, ended_s: float) -> Attempt:
    return Attempt(begun_s=begun_s, ended_s=ended_s, **told_by(runs))
