"""A run that is late for a sign of life is looked at twice: one look cannot tell a late sign from a missing one."""

import time

import pytest

from harness.evidence.models import Request
from harness.evidence.setup.job_settings import read_job_settings
from harness.settings.model import Settings
from harness.verification import finished_job
from harness.verification.clock import Clock
from tests.judging.build import evidence, local, server, server_run
from tests.judging.endings import ASKED


@pytest.mark.parametrize(("ago", "looks", "waited"), [(5.0, 1, 0), (100.0, 2, 16), (119.0, 1, 0), (400.0, 1, 0)])
def test_it_is_looked_at_again_when_it_is_known(ago, looks, waited, monkeypatch, tmp_path):
    made, slept = [], []

    def look(*_: object) -> object:
        run = server_run(state="running", heartbeat_at=time.time() - ago, rows=0, series={})
        made.append(evidence(request=ASKED, job=None, setup=None, local=local(), server=server(run)))
        return made[-1]

    monkeypatch.setattr(finished_job, "_collect", look)
    monkeypatch.setattr(finished_job.time, "sleep", slept.append)
    settings = Settings(target="none", source="run", server="real", cwd=tmp_path)
    own = read_job_settings({}, tmp_path)
    assert finished_job.collect_existing(settings, Request(), own, Clock()) is made[-1]
    assert len(made) == looks
    assert sum(slept) == pytest.approx(waited, abs=1.5)
