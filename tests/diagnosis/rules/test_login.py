"""The rules about logins: what they say of whose key it is, and who may read it."""

import pytest

from harness.diagnosis.engine import diagnose
from harness.diagnosis.rules import login
from harness.evidence.models import JobOutput, Login
from tests.diagnosis import build as b


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({}, "colleague"),
        ({"entity": "their-team"}, "colleague (their-team)"),
        ({"host": "https://api.wandb.ai/"}, "colleague"),
    ],
)
def test_whose_key_the_job_has_is_told_in_the_words_of_its_output(told, shown):
    seen = JobOutput(logins=(Login(username="colleague", line=3, **told),))
    found = diagnose(b.evidence(job=b.job(output=seen)), login.RULES)
    assert [f.id for f in found] == ["auth-wrong-account"]
    assert found[0].observed == (
        f"The job printed: Currently logged in as: {shown}",
        "The key here belongs to me.",
    )


@pytest.mark.parametrize(
    ("file_mode", "readable"),
    [("0600", False), ("0400", False), ("0711", False), (None, False), ("0640", True), ("0604", True)],
)
def test_a_key_is_safe_in_a_file_that_only_its_owner_may_read(file_mode, readable):
    """Leave to write or to run a file is none to read it."""
    keys = b.with_keys(b.key("netrc", file_mode=file_mode))
    found = diagnose(b.evidence(setup=b.setup(credentials=keys)), login.RULES)
    assert [f.observed for f in found] == [(f"/users/me/.netrc holds a key and has mode {file_mode}.",)] * readable


def test_the_line_of_a_key_in_the_script_is_told():
    found = diagnose(b.evidence(setup=b.setup(script_key_line=3)), login.RULES)
    assert found[0].observed == ("train.py, line 3",)
