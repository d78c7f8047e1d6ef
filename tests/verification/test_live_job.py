"""Gathering around a job: its output is freed of secrets when it has ended, and who cannot do that says so."""

from types import SimpleNamespace

import pytest

from harness.evidence.models import Job
from harness.evidence.redaction.redactor import Redactor
from harness.verification.live_job import redact_log

KEY = "c0ffee12" * 5


@pytest.mark.parametrize("ending", ["completed", "failed", "interrupted", "running", "pending"])
def test_the_log_of_a_job_that_goes_on_stays(tmp_path, ending):
    log, told = tmp_path / "job.log", []
    log.write_text(KEY)
    redact_log(log, Redactor(), SimpleNamespace(job=lambda: Job(ending=ending)), told.append)
    assert (log.read_text() == KEY) is (ending in ("running", "pending"))
    assert told == []


def test_secrets_that_could_not_be_taken_out_are_told_of(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    log, told = tmp_path / "job.log", []
    monkeypatch.setattr("harness.verification.live_job.redact_file", refuse)
    redact_log(log, Redactor(), SimpleNamespace(job=lambda: Job(ending="completed")), told.append)
    assert told == [f"job.log without the secrets that may stand in it: No space left on device ({tmp_path})"]
