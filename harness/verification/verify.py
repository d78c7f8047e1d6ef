"""The whole story on one screen: preflight, job, collecting; what comes out is evidence, judged elsewhere."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from harness.evidence.models import Evidence, Job, Request, SdkSettings
from harness.evidence.redaction.documents import redacted
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.credentials import known_secrets
from harness.evidence.setup.job_settings import JobSettings, read_job_settings
from harness.evidence.setup.script.ranks import starts_ranks
from harness.settings.model import Settings
from harness.settings.options import OPTIONS
from harness.settings.places import called
from harness.targets import environment as job_environment
from harness.targets.base import Target, log_path
from harness.targets.interrupts import Interrupts
from harness.verification.clock import Clock
from harness.verification.headstart import Headstart, job_folder
from harness.verification.prepared import embedded_server, prepare
from harness.verification.progress import Moment, Progress

if TYPE_CHECKING:
    from harness.evidence.server.reader import Readers


def verify(
    settings: Settings,
    folder: Path,
    progress: Progress,
    environ: Mapping[str, str] = os.environ,
    interrupts: Interrupts | None = None,
    unwritten: Callable[[str], None] = lambda _line: None,
    readers: "Readers | None" = None,
    headstart: Headstart | None = None,
) -> Evidence:
    """Gather the evidence that the settings ask for; the job's files go to the report folder.

    What is imported within functions is not needed to ask the job's Python, which takes long to answer.

    Args:
        unwritten: told of a file that could not be written as it should be.
        readers: read what already ran.
        headstart: what was begun already, and what is done while the job starts.
    """
    clock = Clock()
    request = request_of(settings)
    if settings.slurm.attach:
        from harness.targets.slurm.record import attached_request

        request = attached_request(settings, request)
    own = read_job_settings(environ, settings.cwd, sdk_version=version("wandb"))
    if settings.source == "job":
        ahead = headstart or Headstart()
        evidence = _verify_job(settings, request, folder, progress, own, clock, interrupts, unwritten, ahead)
    else:
        from harness.verification.finished_job import collect_existing

        evidence = collect_existing(settings, request, own, clock, readers)
    evidence = evidence.model_copy(
        update={
            "created_at": time.time(),
            "harness_version": version("lumi-wandb-harness"),
            "spans": tuple(clock.spans),
            "versions": {"harness": version("lumi-wandb-harness"), "reader_sdk": version("wandb"),
                         "python": sys.version.split()[0]},
        }
    )  # fmt: skip
    return redacted(evidence, Redactor(known_secrets(own)))


TOLD_BY_THE_JOB = (
    "--offline", "--nproc", "--job", "--lumi-nodes", "--lumi-gpus", "--lumi-account", "--lumi-partition",
)  # fmt: skip
"""Options of which a job that ran already tells by itself."""


def request_of(settings: Settings) -> Request:
    """Freeze the part of the settings that diagnosis needs."""
    slurm = settings.slurm
    kind = settings.job_kind
    on_slurm = settings.target == "slurm"
    nproc = slurm.gpus if on_slurm else settings.nproc
    return Request(
        source=settings.source if settings.source != "replay" else "job",
        target=settings.target,
        server=settings.server,
        job_kind=kind if settings.source == "job" else "none",
        job_path=str(settings.job) if settings.job else None,
        job_module=settings.job_module,
        job_args=settings.job_args,
        # How many ranks a script starts by itself is its own affair; of what already ran nobody said it.
        nproc=None if settings.source != "job" or kind == "batch" or own_ranks(settings) else nproc,
        nodes=slurm.nodes if on_slurm else 1,
        offline=settings.offline,
        sync=settings.sync,
        rehearse=settings.rehearse,
        expect=settings.expect,
        expect_auto=settings.expect_auto,
        expect_points=settings.expect_points,
        run_path="/".join(settings.run) if settings.run else None,
        run_dir=str(settings.run_dir) if settings.run_dir else None,
        job_log=str(settings.job_log) if settings.job_log else None,
        given={
            flag: value
            for flag, value in settings.given.items()
            if flag in TOLD_BY_THE_JOB and (settings.source != "job" or settings.slurm.attach)
        },
        typed=tuple(o.variable for o in OPTIONS if o.flag in settings.given),
        command=settings.command,
        wandb=called(command="wandb", module="wandb"),
        token=f"harness-{secrets.token_hex(6)}" if settings.source == "job" else None,
    )


def _verify_job(
    settings: Settings,
    request: Request,
    folder: Path,
    progress: Progress,
    own: JobSettings,
    clock: Clock,
    interrupts: Interrupts | None,
    unwritten: Callable[[str], None],
    headstart: Headstart,
) -> Evidence:
    with ExitStack() as stack:
        server = stack.enter_context(embedded_server(own.env)) if settings.server == "loopback" else None
        progress.show(Moment(phase="preflight"))
        with clock.phase("preflight"):
            known = prepare(settings, request, own, server, job_folder(settings, folder), headstart.printed)
        from harness.judging.setup_questions import blockers
        from harness.verification.live_job import watch_job

        setup, users, ground = known.setup, known.users, known.ground
        if blockers(setup, request) and not settings.slurm.attach:
            return Evidence(request=request, setup=setup, job=Job(ending="not_submitted"))
        environment = job_environment.job_environment(settings, users, request.token or "")
        target = (
            ground.target(folder, environment, interrupts)
            if ground
            else make_target(settings, folder, environment, known.cwd)
        )
        version_there = setup.python.wandb_version if setup.python else None
        started = known.here.corrected(setup.sdk or SdkSettings(), version_there).started_with(environment)
        evidence = watch_job(
            target,
            settings,
            request,
            setup,
            started,
            progress,
            clock,
            log=log_path(folder),
            unwritten=unwritten,
            meanwhile=headstart.meanwhile,
        )
    if not settings.rehearse:
        return evidence
    with clock.phase("rehearsals"):
        if settings.target == "slurm":
            from harness.verification.rehearsal.on_slurm import rehearse_on_slurm

            played = rehearse_on_slurm(
                settings, evidence, known, own, folder, progress, clock, interrupts, unwritten
            )  # fmt: skip
        else:
            from harness.verification.rehearsal.rehearse import rehearse

            played = rehearse(settings, evidence, own.moved(own.env, known.cwd), folder, progress, local_argv)
    return evidence.model_copy(update={"rehearsals": played})


def make_target(settings: Settings, folder: Path, environment: Mapping[str, str], cwd: Path) -> Target:
    """Run the job on this machine."""
    from harness.targets.local import LocalTarget

    return LocalTarget(local_argv(settings), cwd=cwd, env=environment, log=log_path(folder))


def own_ranks(settings: Settings) -> bool:
    """Whether the job is a script on this machine that starts its ranks by itself."""
    return settings.target == "local" and settings.job_kind == "script" and starts_ranks(settings.job)


def local_argv(settings: Settings) -> list[str]:
    """Return the command of a job on this machine: torchrun for Python, bash for a shell script.

    A script that starts its ranks by itself is started once, as its user does: torchrun's variables would mislead them.
    """
    from harness.targets.process import launch_argv

    if settings.job is None:
        rehearsed = bool(settings.rehearse)
        args = job_environment.builtin_args(on_gpus=False, rehearsed=rehearsed)
        return launch_argv(job_environment.builtin_job(rehearsed=rehearsed), settings.nproc, script_args=args)
    if settings.job_kind == "batch":
        return ["bash", str(settings.job), *settings.job_args]
    if own_ranks(settings):
        program = ("-m", settings.job_module) if settings.job_module else (str(settings.job),)
        return [sys.executable, *program, *settings.job_args]
    return launch_argv(settings.job, settings.nproc, script_args=settings.job_args, module=settings.job_module)
