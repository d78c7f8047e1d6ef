"""Builds evidence of jobs and runs that ended badly, for tests of the rules that say why."""

from __future__ import annotations

from typing import Any

from harness.evidence.models import (
    EpochSeen,
    Evidence,
    Job,
    Login,
    ProcessSeen,
    Request,
    SdkLogs,
    ServerReading,
    SlurmJob,
)
from tests.judging.build import error, evidence, job, local, local_run, log, output, run_with_http, server, server_run

RUNNING = server(server_run(state="running", rows=0, series={}))
CRASHED = server(server_run(state="crashed", rows=3))
OPEN = log(status="header_only", size_bytes=7, has_exit=False, exit_code=None, history_rows=0)
TORN = log(status="torn", has_exit=False, exit_code=None, history_rows=2)
EPOCHS = tuple(EpochSeen(epoch=n, line=n) for n in (1, 2, 3))
COMM = "wandb.errors.errors.CommError"
OLD_TIMEOUT = "Run initialization has timed out after 90.0 sec. Please try increasing the timeout"
WANDB_FRAME = 'File "/opt/venv/lib/python3.12/site-packages/wandb/__init__.py", line 1, in <module>'
FOLDER = Request(source="run_dir", server="none", target="none")
ASKED = Request(source="run", run_path="a/b/c", server="real", target="none")


def killed(signal: str | None = "SIGKILL", *, code: int | None = 1, offline: bool = False, **change) -> Evidence:
    """A job whose logging process went away with its run open."""
    processes = (ProcessSeen(rank=0, signal=signal, first=True),) if signal else ()
    made = Job(ending="failed" if code else "completed", exit_code=code, processes=processes,
               output=output("Epoch 3, Loss: 1", epochs=EPOCHS))  # fmt: skip
    reading = server() if offline else RUNNING
    given = {"job": made, "local": local(local_run(offline=offline, log=OPEN)), "server": reading}
    return evidence(**{**given, **change})


def of_disk(**change) -> Evidence:
    """A folder whose run was never closed; the clock reads 1000 s."""
    begun = SdkLogs(sdk_version="0.31.0", init_done=True)
    run = local_run(**{"log": OPEN, "sdk_logs": begun, "touched_at": 990.0, **change})
    given = {"request": FOLDER, "job": None, "setup": None, "server": ServerReading(), "created_at": 1000.0}
    return evidence(local=local(run), **given)


def asked(state: str, rows: int = 0, job: Job | None = None, **change) -> Evidence:
    """A run on the server of a job that was not seen."""
    reading = server(server_run(state=state, rows=rows, series={}, **change))
    return evidence(request=ASKED, job=job, setup=None, local=local(), server=reading)


def died(
    message: str, exception: str = COMM, *, extra: tuple[str, ...] = (), troubles=(), frame: str = WANDB_FRAME, **change
) -> Evidence:
    """A job that ended with this traceback before there was a run."""
    told = error(exception, message, frames=(frame,), line=90)
    out = output(*extra, f"{exception}: {message}", errors=(told,), logins=(Login(username="me", line=1),))
    given = {
        "job": Job(ending="failed", exit_code=1, started_at=1.0, output=out),
        "local": local(run_with_http(*troubles)) if troubles else local(),
        "server": server(),
    }
    return evidence(**{**given, **change})


def slurm(**change: Any) -> SlurmJob:
    """A job that Slurm saw end well, as sacct tells it."""
    return SlurmJob(
        **{"job_id": "4242", "final_state": "COMPLETED", "exit_code": "0:0", "time_limit": "00:10:00", **change}
    )


def ran(*texts: str, ending: str = "failed", scheduler: SlurmJob | None = None, **change: Any) -> Evidence:
    """A Slurm job that ran and printed these lines."""
    ended = job(*texts, ending=ending, started_at=1000.0, slurm=scheduler or slurm(final_state="FAILED"), **change)
    request = Request(target="slurm", server="real", job_kind="script", nproc=8, nodes=2)
    return evidence(request=request, job=ended)
