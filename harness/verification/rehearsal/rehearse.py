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
from harness.settings.model import Outage, Settings
from harness.targets import environment as job_environment
from harness.verification.prepared import loopback_server
from harness.verification.progress import Moment, Progress
from harness.verification.rehearsal.cases import PATIENCE_S, Undisturbed, outage, requeue
from harness.verification.rehearsal.ground import case_settings
from harness.verification.rehearsal.play import Stage

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
    before = Undisturbed.of(evidence)
    if evidence.job is None or evidence.job.ending != "completed" or not before.rows:
        return Rehearsals(skipped="the job has to work undisturbed first")
    asked: list[Outage | None] = [*settings.outages, *([None] if settings.rehearse in ("requeue", "all") else [])]
    place = folder / "rehearsal"
    shutil.rmtree(place, ignore_errors=True)
    at_once = workers(settings)
    minutes = (len(asked) * (before.lasted_s + AROUND_S) + before.lasted_s) / at_once / 60
    progress.show(Moment(phase=f"rehearsing: {len(asked)} cases, about {max(1, round(minutes))} min"))
    begun = time.monotonic()
    stop, started = threading.Event(), evidence.job.started_at or 0.0

    def play(number: int, played: Outage | None) -> Rehearsal:
        name = f"{number}-{played.when}-{played.how}" if played else f"{number}-requeue"
        own = case_settings(settings, place / name / "job", here.cwd, started)
        with loopback_server(here.env) as server:
            stage = _stage(own, here, server, place / name, FIRST_JOB_ID + number, argv, stop)
            if played:
                return outage(stage, server, played, before, patience_s)
            return requeue(stage, server, before, patience_s)

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
    return Rehearsals(cases=tuple(found[n] for n in sorted(found)), init_arguments=_init_arguments(settings, here.env))


def workers(settings: Settings) -> int:
    """How many cases may run at once without holding each other up: as many as the cores have room for."""
    return max(1, min(4, len(os.sched_getaffinity(0)) // (1 if settings.job_kind == "batch" else settings.nproc)))


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


def _init_arguments(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    named = {"WANDB_RUN_ID": "id", "WANDB_RESUME": "resume"}
    found = {name: f"{variable}={environment[variable]}" for variable, name in named.items() if variable in environment}
    for call in script_calls(settings.job).inits if settings.job else ():
        found |= {name: text for name, text in call.arguments.items() if name in ("id", "resume")}
    return found
