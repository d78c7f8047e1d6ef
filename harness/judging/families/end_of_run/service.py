"""Rules for the family end of run: what became of the SDK's helper process and of its staging folder."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, PythonError
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import python_errors, said, sdk_log_lines

PANIC = r"^panic: |^fatal error: |^goroutine \d+ \["
"""What Go prints when a program ends by a fault of its own; nothing is printed for a signal from outside."""
LOGGED_PANIC = r": (panic: |goroutine \d+ \[)"
"""The same in the SDK's own logs, where "fatal error" is said of an upload."""
STATES_OF_SIGTERM = ("CANCELLED", "TIMEOUT", "PREEMPTED")
SHUTDOWN = r"received shutdown signal"
_SERVICE_FRAME = re.compile(
    r"wandb/sdk/(?:lib/(?:service|sock_client|asyncio_manager)|interface/|mailbox/|lib/mailbox)"
)
_BROKEN = r"(ConnectionResetError|BrokenPipeError|ConnectionAbortedError|IncompleteReadError|ServerResponseError)$"


def ended_by_slurm(evidence: Evidence) -> bool:
    """Whether Slurm ended the job by SIGTERM, which reaches wandb-core as it does the script."""
    slurm = evidence.job.slurm if evidence.job else None
    return bool(slurm and slurm.final_state and slurm.final_state.startswith(STATES_OF_SIGTERM))


def broke_off(error: PythonError) -> bool:
    """Whether the script lost the connection to wandb-core."""
    return bool(re.search(_BROKEN, error.exception)) and any(_SERVICE_FRAME.search(f) for f in error.frames)


def core_signalled(evidence: Evidence) -> Iterator[Hit]:
    """The connection to wandb-core broke in the middle of the run, and it did not panic."""
    told = sdk_log_lines(evidence, SHUTDOWN, limit=1)
    broken = [e for e in python_errors(evidence) if broke_off(e)]
    if told and ended_by_slurm(evidence):  # it was the job's own end, and wandb-core was the first to follow it
        return
    panicked = said(evidence, PANIC, limit=1) or sdk_log_lines(evidence, LOGGED_PANIC, limit=1)
    job = evidence.job
    if not broken or panicked or not init_succeeded(evidence) or job is None or job.ending == "interrupted":
        return
    number = re.search(r"signal=(\d+)", told[0]) if told else None
    by = {"15": "SIGTERM", "2": "SIGINT"}.get(number[1], f"signal {number[1]}") if number else "a signal"
    words = tuple(dict.fromkeys(shorten(f"{e.exception}: {e.message.splitlines()[0]}") for e in broken[:1]))
    observed = (*words, *map(shorten, told), "wandb-core said nothing of an error of its own.")
    yield Hit(id="end-core-signalled", observed=observed, values={"by": by})


STAGING = r"Unable to write staging files to (?P<folder>\S+?)\.(?: |$)"
_IN_STAGING = re.compile(r"artifacts/staging|artifacts/obj|artifact_manifests")


def staging_not_writable(evidence: Evidence) -> Iterator[Hit]:
    """An artifact's file could not be copied to where the SDK keeps it until it is uploaded."""
    for error in python_errors(evidence, r"(PermissionError|OSError|FileNotFoundError|NotADirectoryError)$"):
        match = re.search(STAGING, error.message)
        inside = _IN_STAGING.search(error.message) and re.search(r"\[Errno (1|2|13|17|20|30)\]", error.message)
        if not match and not inside:
            continue
        path = re.search(r"'([^']+)'", error.message)
        folder = match["folder"] if match else path[1] if path else "its folder"
        variables = evidence.setup.place.variables if evidence.setup else {}
        name = "WANDB_CACHE_DIR" if "artifacts/obj" in folder else "WANDB_DATA_DIR"
        said_so = f"{name}={variables[name]}." if name in variables else f"{name} is not set: it lies in your home."
        observed = (shorten(f"{error.exception}: {error.message}"), said_so)
        yield Hit(id="end-artifact-staging-not-writable", observed=observed, values={"folder": folder, "name": name})
        return


RULES: tuple[Rule, ...] = (core_signalled, staging_not_writable)
