"""What users of the unmodified SDK see when the loopback backend refuses or stumbles, in three of its versions."""

from __future__ import annotations

import subprocess

import pytest

from harness.loopback.faults import Fault
from tests.compat.conftest import HERE, Sdk
from tests.in_ci import ends_in_ci

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("sdk", ends_in_ci("0.19.5", "0.28.2", "0.31.0"), indirect=True)]


def simple(sdk: Sdk, **extra: str) -> subprocess.CompletedProcess[str]:
    """A job of one row that gives up initialising after a few seconds."""
    return sdk.run(str(sdk.python), str(HERE / "job_probe.py"), "simple", **extra)


REFUSALS = {
    "permission denied": {"WANDB_ENTITY": "someone-else"},
    "entity no-such-team not found during upsertBucket": {"WANDB_ENTITY": "no-such-team"},
    "user is not logged in": {"WANDB_API_KEY": "0" * 40},
}


@pytest.mark.parametrize("words", REFUSALS)
def test_a_refusal_reaches_the_user_in_the_clouds_words(sdk: Sdk, words: str) -> None:
    done = simple(sdk, **REFUSALS[words])
    assert done.returncode == 1
    assert "CommError" in done.stderr
    assert words in done.stderr
    assert sdk.server.store.runs() == []


def test_a_file_stream_that_is_refused_loses_the_history_in_silence(sdk: Sdk) -> None:
    sdk.server.faults.add(Fault(path="file_stream", status=403))
    done = simple(sdk)
    assert done.returncode == 0
    [run] = sdk.server.store.runs()
    assert run.history == []
    assert any("ERROR+4" in line for line in sdk.internal_logs())


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="file_stream", reset="before", times=1),
        Fault(path="file_stream", status=500, times=1),
        Fault(operation="UpsertBucket", status=429, retry_after="1", times=1),
        Fault(unknown_fields=True),
    ],
    ids=lambda fault: fault.reset or fault.status or "unknown",
)
def test_trouble_that_passes_leaves_no_mark(sdk: Sdk, fault: Fault) -> None:
    sdk.server.faults.add(fault)
    done = simple(sdk)
    assert done.returncode == 0, done.stderr
    assert sdk.server.faults.hits() > 0
    [run] = sdk.server.store.runs()
    assert (len(run.history), run.state) == (1, "finished")
