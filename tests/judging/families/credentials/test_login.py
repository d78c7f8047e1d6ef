"""The rules about logins: whose key the job has, who may read it, and what became of a login."""

import pytest

from harness.evidence.models import JobOutput, Login, Request, Viewer
from harness.judging.families.credentials import login
from harness.judging.families.credentials import rules as credentials
from harness.judging.findings import diagnose
from tests.judging import build as b

NO_KEY_NEW = "wandb.errors.errors.UsageError: No API key configured. Use `wandb login` to log in."


def printed(*texts, **change):
    """A job that died printing these lines, with a good key here."""
    return b.no_run(job=b.job(*texts, ending="failed"), **change)


CASES = {
    "login could not be saved": (
        printed("wandb: WARNING Unable to write /users/x/.netrc: [Errno 122] Disk quota exceeded", NO_KEY_NEW),
        "auth-netrc-write-fails",
    ),
    "login could not be saved, traceback": (
        b.no_run(
            job=b.job(
                ending="failed",
                output=b.output(
                    NO_KEY_NEW,
                    errors=(
                        b.error(
                            "FileNotFoundError", "'/x/.netrc'", frames=('File "wbnetrc.py", line 1, in _update_netrc',)
                        ),
                    ),
                ),
            )
        ),
        "auth-netrc-write-fails",
    ),
    "someone else's key in the job": (
        b.evidence(job=b.job(output=JobOutput(logins=(Login(username="colleague", line=3),)))),
        "auth-wrong-account",
    ),
    "someone else's run": (b.evidence(server=b.server(b.server_run(username="colleague"))), "auth-wrong-account"),
    "key for everyone to read": (b.evidence(setup=b.setup(script_key_line=3)), "auth-key-in-script"),
    "prompt ran out": (printed("wandb: WARNING W&B disabled due to login timeout."), "auth-login-timeout-disables"),
    "offline chosen at the prompt": (printed("wandb: Using W&B in offline mode."), "auth-prompt-choice-offline"),
    "login while offline": (
        printed("wandb: WARNING Unable to verify login in offline mode."),
        "auth-login-verify-offline",
    ),
}


@pytest.mark.parametrize(("evidence", "fault"), CASES.values(), ids=CASES)
def test_one_fault_is_told_beside_all_rules_about_keys(evidence, fault):
    assert b.leading(evidence, credentials.RULES) == [fault]


SILENT = {
    "a colleague's run looked at": b.evidence(
        request=Request(source="run", server="real", run_path="team/vit/x"),
        server=b.server(b.server_run(username="colleague")),
    ),
    "logged in with the team's name": b.evidence(job=b.job(output=JobOutput(logins=(Login(username="team", line=1),)))),
    "logged in as somebody else at another server": b.evidence(
        job=b.job(output=JobOutput(logins=(Login(username="colleague", host="https://own.example", line=1),)))
    ),
    "login warned offline, run went on": b.evidence(
        job=b.job("wandb: WARNING Unable to verify login in offline mode."), local=b.local(b.local_run(offline=True))
    ),
}


@pytest.mark.parametrize("evidence", SILENT.values(), ids=SILENT)
def test_silent(evidence):
    assert diagnose(evidence, credentials.RULES) == ()


def test_the_viewer_is_the_one_who_decides_whose_account_it_is():
    evidence = b.evidence(
        setup=b.setup(network=b.network(viewer=Viewer(username="me", teams=("lab",)))),
        job=b.job(output=JobOutput(logins=(Login(username="lab", line=1),))),
    )
    assert diagnose(evidence, credentials.RULES) == ()


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
