"""Rules about the SDK's helper process and its staging folder."""

import pytest

from harness.evidence.models import LogLine, Place, SdkLogs, SlurmJob
from harness.judging.families.end_of_run.rules import own_errors
from harness.judging.families.end_of_run.service import RULES
from harness.judging.families.init.install import RULES as INSTALL_RULES
from tests.judging import build as b

SERVICE = 'File "/opt/site-packages/wandb/sdk/lib/service/service_client.py", line 92, in _drain_writer'
ARTIFACT = 'File "/opt/site-packages/wandb/sdk/artifacts/artifact.py", line 1860, in _add_local_file'


def broken(*lines, exception="ConnectionResetError", frames=(SERVICE,), logged=(), ending="failed", **change):
    error = b.error(exception, "Connection lost", frames=frames)
    output = b.output(*(lines or ("Traceback",)), errors=(error,))
    run = b.local_run(sdk_logs=SdkLogs(lines=logged))
    return b.hits(RULES, b.evidence(job=b.job("x", ending=ending, output=output), local=b.local(run), **change))


@pytest.mark.parametrize("exception", ["ConnectionResetError", "BrokenPipeError"])
def test_core_was_killed(exception):
    assert broken(exception=exception)["end-core-signalled"].values == {"by": "a signal"}


def test_a_signal_that_it_saw_is_named():
    line = LogLine(file="debug-core.log", text="main: received shutdown signal signal=15")
    assert broken(logged=(line,))["end-core-signalled"].values == {"by": "SIGTERM"}


@pytest.mark.parametrize(("state", "told"), [("CANCELLED by 1000", False), ("TIMEOUT", False), ("FAILED", True)])
def test_slurms_own_signal_is_told_from_one_to_wandb_core_alone(state, told):
    """scancel signals every process of the job; wandb-core may be the first to go."""
    line = LogLine(file="debug-core.log", text="main: received shutdown signal signal=15")
    error = b.error("ConnectionResetError", "Connection lost", frames=(SERVICE,))
    job = b.job(ending="cancelled", output=b.output("x", errors=(error,))).model_copy(
        update={"slurm": SlurmJob(job_id="7", final_state=state, exit_code="0:15")}
    )
    evidence = b.evidence(job=job, local=b.local(b.local_run(sdk_logs=SdkLogs(lines=(line,)))))
    assert ("end-core-signalled" in b.hits(RULES, evidence)) is told
    assert bool(own_errors(evidence)) is told


@pytest.mark.parametrize(
    "change",
    [
        {"frames": ('File "train.py", line 3, in fetch',)},
        {"exception": "ValueError"},
        {"ending": "interrupted"},
    ],
    ids=["another connection", "another error", "the job was interrupted"],
)
def test_otherwise_it_was_not(change):
    assert "end-core-signalled" not in broken(**change)


def test_a_panic_is_its_own_fault():
    assert "end-core-signalled" not in broken("panic: runtime error: index out of range", "goroutine 7 [running]:")
    line = LogLine(file="debug-core.log", text="panic: runtime error: nil pointer")
    assert "end-core-signalled" not in broken(logged=(line,))


def staging(message, exception="PermissionError", **variables):
    error = b.error(exception, message, frames=(ARTIFACT,))
    output = b.output("Traceback", errors=(error,))
    return b.evidence(
        job=b.job("x", ending="failed", output=output), setup=b.setup(place=Place(variables=variables))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("message", "folder", "name"),
    [
        ("Unable to write staging files to /ro/wandb/artifacts/staging. To fix this problem, please set …",
         "/ro/wandb/artifacts/staging", "WANDB_DATA_DIR"),
        ("[Errno 13] Permission denied: '/ro/wandb/artifacts/staging/tmpab'", "/ro/wandb/artifacts/staging/tmpab",
         "WANDB_DATA_DIR"),
        ("[Errno 30] Read-only file system: '/ro/.cache/wandb/artifacts/obj'", "/ro/.cache/wandb/artifacts/obj",
         "WANDB_CACHE_DIR"),
    ],
)  # fmt: skip
def test_staging_folder(message, folder, name):
    found = staging(message)
    hit = b.hits(RULES, found)["end-artifact-staging-not-writable"]
    assert hit.values == {"folder": folder, "name": name}
    assert "init-dir-not-writable" not in b.hits(INSTALL_RULES, found)


def test_the_variable_that_names_it_is_told():
    hit = b.hits(RULES, staging("Unable to write staging files to /ro/a. To", WANDB_DATA_DIR="/ro"))
    assert hit["end-artifact-staging-not-writable"].observed[-1] == "WANDB_DATA_DIR=/ro."


def test_another_folder_is_another_fault():
    found = staging("[Errno 13] Permission denied: '/data/checkpoints'")
    assert b.hits(RULES, found) == {}
