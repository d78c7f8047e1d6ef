"""What breaks in the harness itself breaks once: no check starts another job because of it."""

import pytest

from harness.settings.model import Settings
from harness.verification.progress import Silent
from harness.verification.session import Session
from tests.judging import build as b


@pytest.mark.parametrize("broken", ["harness.verification.verify.verify", "harness.judging.judge.judge"])
def test_a_job_is_not_started_again_for_each_check(broken, tmp_path, monkeypatch):
    jobs = []

    def gathered(*_, **__):
        jobs.append("a job")
        return b.evidence()

    def breaks(*_, **__):
        jobs.append("broke")
        raise NameError("no such name")

    monkeypatch.setattr("harness.verification.verify.verify", gathered)
    monkeypatch.setattr(broken, breaks)
    session = Session(Settings(target="local", source="job", server="loopback", cwd=tmp_path), tmp_path, Silent)
    for _check in range(3):
        with pytest.raises(NameError, match="no such name"):
            session.result("test_init_succeeded")
    assert jobs.count("broke") == 1
    assert jobs.count("a job") <= 1
    assert isinstance(session.broken, NameError)
