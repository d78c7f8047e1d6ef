"""Rehearses what was asked for: each case in a folder and on a server of its own, as many at once as is fair."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from harness.evidence.models import Evidence, Rehearsal, Rehearsals
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.credentials import known_secrets
from harness.evidence.setup.job_settings import JobSettings
from harness.evidence.setup.script.inits import script_calls
from harness.loopback.server import LoopbackServer
from harness.settings.model import Outage, Requeue, Settings
from harness.targets import environment as job_environment
from harness.verification.prepared import loopback_server
from harness.verification.progress import Moment, Progress
from harness.verification.rehearsal.cases import PATIENCE_S, Undisturbed, outage
from harness.verification.rehearsal.ground import case_settings
from harness.verification.rehearsal.play import Stage
from harness.verification.rehearsal.requeues import AFTER, requeue

FIRST_JOB_ID = 9_000_001
"""Slurm's id of the first case; every case has its own, lest one finds what another left."""
AROUND_S = 5.0
"""What a case takes beside its job, as far as one can say before."""
Argv = Callable[[Settings], list[str]]


def rehearse(
    settings: Settings, evidence: Evidence, here: JobSettings, folder: Path, progress: Progress, argv: Argv,
    patience_s: float = PATIENCE_S,
) -> Rehearsals:  # fmt: skip
    """Play every case after an undisturbed job, and return what was seen; nothing where that job did not work.

    Args:
        settings: what to rehearse.
        evidence: of the undisturbed job.
        here: what W&B is set to in the job's folder, with the user's own environment.
        folder: the report folder; cases get folders below it.
        progress: told which case is played.
        argv: the command of a job with such settings.
        patience_s: so much longer than undisturbed a start may take.
    """
    if why := not_working(evidence):
        return Rehearsals(skipped=why)
    before = Undisturbed.of(evidence)
    asked: list[Outage | Requeue] = [*settings.outages, *settings.requeues]
    place = folder / "rehearsal"
    shutil.rmtree(place, ignore_errors=True)
    at_once = workers(settings)
    # A requeue plays one job in several parts, and each start costs time of its own.
    starts = len(asked) + sum(len(AFTER[one]) for one in settings.requeues) / 2
    minutes = starts * (before.lasted_s + AROUND_S) / at_once / 60
    progress.show(Moment(phase=f"rehearsing: {len(asked)} cases, about {max(1, round(minutes))} min"))
    begun = time.monotonic()
    stop, started = threading.Event(), (evidence.job.started_at if evidence.job else None) or 0.0

    def play(number: int, played: Outage | Requeue) -> Rehearsal:
        words = (played.when, played.how) if isinstance(played, Outage) else ("requeue", played)
        name = "-".join([str(number), *words])
        own = case_settings(settings, place / name / "job", here.cwd, started)
        with loopback_server(here.env) as server:
            stage = _stage(own, here, server, place / name, FIRST_JOB_ID + number, argv, stop)
            if isinstance(played, Outage):
                return outage(stage, server, played, before, patience_s)
            return requeue(stage, server, played, before, patience_s)

    found: dict[int, Rehearsal] = {}
    with ThreadPoolExecutor(at_once, thread_name_prefix="rehearsal") as pool:
        try:
            waiting: Mapping[Future[Rehearsal], int] = {
                pool.submit(play, number, played): number for number, played in enumerate(asked, 1)
            }
            for ended in as_completed(waiting):
                found[waiting[ended]] = ended.result()
                phase = f"rehearsed: {len(found)} of {len(asked)}, {ended.result().name}"
                progress.show(Moment(phase=phase, started_s=time.monotonic() - begun))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    progress.show(Moment(phase="reading", started_s=time.monotonic() - begun))
    return Rehearsals(cases=tuple(found[n] for n in sorted(found)), init_arguments=init_arguments(settings, here.env))


def not_working(evidence: Evidence) -> str:
    """Why the job cannot be rehearsed: undisturbed it has to come to its end, and to log something."""
    if evidence.job is None or evidence.job.ending != "completed":
        return "the job has to work undisturbed first"
    if any(run.log.history_rows for run in evidence.local.runs):
        return ""
    return "undisturbed the job logged no row: does it go on from a checkpoint that an earlier start has left?"


def workers(settings: Settings) -> int:
    """How many cases may run at once without holding each other up: as many as the cores have room for.

    The built-in job rests for most of its time.
    """
    cores_each = settings.nproc if settings.job_kind == "script" else 1
    return max(1, min(4, len(os.sched_getaffinity(0)) // cores_each))


def _stage(
    own: Settings, here: JobSettings, server: LoopbackServer, folder: Path, job_id: int, argv: Argv,
    stop: threading.Event,
) -> Stage:  # fmt: skip
    token = f"rehearsal-{folder.name}-{job_id}"
    users = job_environment.user_environment(here.env, job_environment.Server(server.url, server.api_key))
    environment = {
        "SLURM_JOB_ID": str(job_id), **job_environment.job_environment(own, users, token), "PYTHONFAULTHANDLER": "1"
    }  # fmt: skip
    there = here.moved(environment, own.cwd)
    return Stage(
        argv=argv(own), cwd=own.cwd, environment=environment, settings=there, folder=folder, token=token,
        redactor=Redactor(known_secrets(there)), stop=stop,
    )  # fmt: skip


def init_arguments(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """How the run is given its identity: by the script, and by the environment."""
    named = {"WANDB_RUN_ID": "id", "WANDB_RESUME": "resume"}
    found = {name: f"{variable}={environment[variable]}" for variable, name in named.items() if variable in environment}
    for call in script_calls(settings.job).inits if settings.job else ():
        found |= {name: text for name, text in call.arguments.items() if name in ("id", "resume")}
    return found
