"""Gathers evidence around a job that runs now; of what already ran, `harness.verification.finished_job` does."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from harness.evidence.disk.log_writers import touched_at
from harness.evidence.disk.run_dirs import read_local_run, read_local_runs, snapshot_run_dirs, wandb_folders
from harness.evidence.models import (
    Evidence,
    Job,
    JobOutput,
    LocalReading,
    Request,
    ServerReading,
    ServerRun,
    Setup,
)
from harness.evidence.output.reader import OutputReader
from harness.evidence.own_runs import of_job, own
from harness.evidence.redaction.documents import redact_file
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.server.find import glance, read
from harness.evidence.server.reader import Reader
from harness.evidence.server.unshown import unshown
from harness.evidence.setup.credentials import known_secrets
from harness.evidence.setup.job_settings import JobSettings, read_job_settings
from harness.settings.model import Settings
from harness.targets.base import Target
from harness.verification.clock import Clock
from harness.verification.progress import Moment, Progress
from harness.verification.run_search import where_to_look
from harness.verification.server_access import JobReader, by_its_clock
from harness.verification.sync import sync
from harness.verification.watching import Poller, follow

IDLE_LIMIT_S = 100.0
"""A local job that hangs this long is ended; longer than the 90 s that the SDK may wait in `wandb.init()`."""
PATIENCE_S = {"loopback": 5.0, "real": 30.0}
"""How long reads may take to become consistent, in seconds."""
POLL_S = {"loopback": 0.4, "real": 5.0}
"""Seconds between two looks at the server while the job runs."""
MOST_RUN_DIRS = 64


def watch_job(
    target: Target,
    settings: Settings,
    request: Request,
    setup: Setup,
    here: JobSettings,
    progress: Progress,
    clock: Clock,
    *,
    log: Path,
    unwritten: Callable[[str], None],
    meanwhile: Callable[[], None] = lambda: None,
) -> Evidence:
    """Run the target's job to its end, watching the server, then read disk and server.

    Args:
        target: not yet started; entered and left here.
        here: what W&B is set to in the job's folder, with the environment that the job starts with.
        log: where the target writes the job's output.
        unwritten: told of the log where it could not be freed of secrets.
        meanwhile: called once the job was started.
    """
    redactor = Redactor(known_secrets(here))
    output = OutputReader(log, redactor.text)
    folders = wandb_folders(here.env, here.cwd, here.wandb_root())
    # Runs of a job that was submitted earlier may be there already.
    before = frozenset() if settings.slurm.attach else snapshot_run_dirs(folders)
    moment = Moment(phase="starting")
    with ExitStack() as stack:
        stack.callback(redact_log, log, redactor, target, unwritten)
        asking = stack.enter_context(JobReader(settings, here, setup, target)) if request.wants_server else None
        with clock.phase("job"), target:
            meanwhile()
            poller = _poller(asking, settings, request, setup, output)
            if poller:  # after an interruption nobody waits for its answers
                stack.callback(poller.stop, patience_s=0)
            watch = follow(target, output, poller, progress, moment, IDLE_LIMIT_S)
        moment.phase = "reading"
        progress.show(moment)
        seen = output.snapshot().model_copy(update={"touched_at": touched_at([log])})
        job = target.job()
        with clock.phase("disk"):
            local = _on_disk(target, job, seen, settings, here, folders, before, redactor)
        job = job.model_copy(update={"output": seen, "processes": seen.processes})
        found = Evidence(request=request, setup=setup, job=job, local=local, telemetry=target.telemetry())
        evidence = own(found)
        local = evidence.local
        if settings.slurm.attach and local.runs and all(run.offline for run in local.runs):
            # It says by itself that it wants no server.
            request = request.model_copy(update={"offline": True})
            evidence = evidence.model_copy(update={"request": request})
        if asking is None or not request.wants_server:
            return evidence
        # A job that made no run shows nothing on a server that only it uses, which may be why it made none.
        made_run = bool(seen.links) or any(run.log.history_rows for run in local.runs)
        reader = asking.get() if made_run else asking.own
        if settings.sync and request.offline:
            return _synced(evidence, reader, settings, here.env, redactor, clock)
        with clock.phase("server"):
            server = read_server(reader, settings, request, setup, seen, local)
            if job.ending == "running":
                server = by_its_clock(server, reader.base_url, here.env)
    # What lies on disk of others tells which runs on the server are theirs.
    return own(found.model_copy(update={"server": server, "watch": watch}))


def _on_disk(
    target: Target,
    job: Job,
    seen: JobOutput,
    settings: Settings,
    here: JobSettings,
    folders: Sequence[Path],
    before: frozenset[str],
    redactor: Redactor,
) -> LocalReading:
    """Read the run directories that the job left, where it wrote them by its own word or by its settings."""
    attached = settings.slurm.attach is not None
    stood = here
    if attached and job.cwd:
        theirs = {**here.env, **target.sdk_environment()}
        stood = read_job_settings(theirs, Path(job.cwd), sdk_version=here.sdk_version)
    if stood is not here:
        folders = list(dict.fromkeys((*wandb_folders(stood.env, stood.cwd, stood.wandb_root()), *folders)))
    return read_local_runs(
        folders,
        before=before,
        # Of a job that was submitted earlier only the times tell; else what was not there before is new.
        since=(job.started_at or 0.0) - 1 if attached else None,
        scrub=redactor.text,
        limit=MOST_RUN_DIRS,
        extra=[stood.cwd / folder for folder in seen.run_dirs],
        whose=(lambda told: of_job(told, job.slurm)) if attached else lambda _: None,
    )


def redact_log(log: Path, redactor: Redactor, target: Target, unwritten: Callable[[str], None]) -> None:
    """Take secrets out of what an ended job printed; where that fails the user is told, and the report goes on."""
    if target.job().ending not in ("running", "pending"):
        try:
            redact_file(log, redactor)
        except OSError as error:
            reason = error.strerror or str(error)
            unwritten(f"{log.name} without the secrets that may stand in it: {reason} ({log.parent})")


def _synced(
    evidence: Evidence,
    reader: Reader,
    settings: Settings,
    environment: Mapping[str, str],
    redactor: Redactor,
    clock: Clock,
) -> Evidence:
    """Upload the offline runs and read what the server then has; the markers on disk are read again."""
    with clock.phase("sync"):
        done = sync(evidence.local.runs, environment, redactor.text)
    again = [read_local_run(Path(run.path), redactor.text) for run in evidence.local.runs]
    local = evidence.local.model_copy(update={"runs": tuple(again)})
    with clock.phase("server"):
        output = evidence.job.output if evidence.job else JobOutput()
        reading = read_server(reader, settings, evidence.request, evidence.setup, output, local)
    return own(
        evidence.model_copy(
            update={"local": local, "synced": reading, "sync_output": done.output, "sync_exit_code": done.exit_code}
        )
    )


def _poller(
    asking: JobReader | None, settings: Settings, request: Request, setup: Setup, output: OutputReader
) -> Poller | None:
    if asking is None or settings.offline:
        return None

    def look() -> ServerReading | None:
        where = where_to_look(request, setup, output.snapshot(), LocalReading())
        return glance(asking.get(), where) if where.projects else None

    return Poller(look, POLL_S[settings.server])


def read_server(
    reader: Reader, settings: Settings, request: Request, setup: Setup | None, output: JobOutput, local: LocalReading
) -> ServerReading:
    """Read the job's runs when they show as much as the disk does, or when patience ends."""
    where = where_to_look(request, setup, output, local)
    uploaded = [run for run in local.runs if run.synced_marker or not run.offline]
    rows = {run.run_id: run.log.history_rows for run in uploaded}
    # A run that was neither announced nor logged anything never came to be: its init failed.
    expected = {run_id for run_id, count in rows.items() if count} | {link.run_id for link in output.links}
    ended = {run.run_id for run in uploaded if run.log.has_exit}
    given_up = any(trouble.fatal for run in uploaded for trouble in run.sdk_logs.http)

    def settled(reading: ServerReading) -> bool:
        if given_up:  # wandb-core sends nothing more, so there is nothing to wait for
            return True
        seen = {run.id: run for run in reading.runs}
        missing = expected - set(seen) if reading.runs_total <= len(reading.runs) else set()
        late = [i for i in ended & set(seen) if seen[i].state == "running" or (seen[i].rows or 0) < rows[i]]
        return not missing and not late

    sent = {run.run_id: run for run in uploaded if run.log.has_exit and not run.sdk_logs.http}

    def complete(run: ServerRun) -> bool:
        return given_up or run.id not in sent or not unshown(sent[run.id], run)

    reading = read(reader, where, settled=settled, complete=complete, patience_s=PATIENCE_S[settings.server])
    denied = next((trouble for trouble in reading.partial if trouble.kind == "not_found"), None)
    if denied and not reading.runs and not given_up and any(rows.values()):
        # The SDK sent rows to a project that the server now denies: one of the two is wrong, and not the run.
        return reading.model_copy(update={"status": "failed", "trouble": denied, "partial": ()})
    return reading
