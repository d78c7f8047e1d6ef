"""Rules for the family credentials, second part: who the job is logged in as, and logins that went astray."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.rule import Hit, Rule
from harness.judging.view import made_no_run, own_entities, python_errors, said, server_runs

SAVING = re.compile(r"in (_update_netrc|write_netrc\w*|write_key)\b")
"""Functions of the SDK that write a netrc file: wbauth/wbnetrc.py, lib/apikey.py before 0.23."""


def wrong_account(evidence: Evidence) -> Iterator[Hit]:
    """The job's key belongs to someone else than the key here."""
    viewer = evidence.setup.network.viewer if evidence.setup else None
    if viewer is None or evidence.setup is None or evidence.request.source != "job":
        return
    own = own_entities(evidence)
    host = evidence.setup.network.base_url
    for login in evidence.job.output.logins if evidence.job else ():
        if login.username not in own and (login.host is None or login.host.rstrip("/") == host.rstrip("/")):
            team = f" ({login.entity})" if login.entity else ""
            observed = (
                f"The job printed: Currently logged in as: {login.username}{team}",
                f"The key here belongs to {viewer.username}.",
            )
            yield Hit(id="auth-wrong-account", observed=observed, values={"job_username": login.username})
            return
    for run in server_runs(evidence):
        if run.username and run.username not in own:
            observed = (
                f"Run {run.entity}/{run.project}/{run.id} belongs to {run.username}.",
                f"The key here belongs to {viewer.username}.",
            )
            yield Hit(id="auth-wrong-account", observed=observed, values={"job_username": run.username})
            return


def netrc_write_fails(evidence: Evidence) -> Iterator[Hit]:
    """A login could not be saved; some reasons the SDK words, others end it with a traceback."""
    text = said(
        evidence, r"Unable to (write|read) \S*netrc\S*: |In order to persist your API key, grant read and write"
    )
    saving = (e for e in python_errors(evidence) if any(SAVING.search(frame) for frame in e.frames))
    text = text or tuple(f"{e.exception}: {e.message}" for e in saving)[:1]
    if text:
        yield Hit(id="auth-netrc-write-fails", observed=text)


def login_timeout(evidence: Evidence) -> Iterator[Hit]:
    """Nobody answered the prompt in time."""
    if text := said(evidence, r"W&B disabled due to login timeout"):
        yield Hit(id="auth-login-timeout-disables", observed=text)


def prompt_choice(evidence: Evidence) -> Iterator[Hit]:
    """Offline was chosen at the prompt."""
    if text := said(evidence, r"^(wandb: )?Using W&B in offline mode\.|You chose ['\"]Don't visualize my results"):
        yield Hit(id="auth-prompt-choice-offline", observed=text)


def login_while_offline(evidence: Evidence) -> Iterator[Hit]:
    """A login returned False because of the mode, and the script made no run after it."""
    text = said(evidence, r"Unable to verify login in offline mode")
    if text and made_no_run(evidence):
        yield Hit(id="auth-login-verify-offline", observed=text)


def key_in_script(evidence: Evidence) -> Iterator[Hit]:
    """The key itself stands in the job script."""
    line = evidence.setup.script_key_line if evidence.setup else None
    if line is not None:
        yield Hit(id="auth-key-in-script", observed=(f"{evidence.request.job_path}, line {line}",))


def key_file_open(evidence: Evidence) -> Iterator[Hit]:
    """A file with a key may be read by others than its owner."""
    sources = evidence.setup.credentials.sources if evidence.setup else ()
    for source in sources:
        mode = source.file_mode or "0600"
        if source.path and source.length and int(mode, 8) & 0o044:
            yield Hit(
                id="auth-key-file-open",
                observed=(f"{source.path} holds a key and has mode {mode}.",),
                values={"key_file": source.path},
            )
            return


RULES: tuple[Rule, ...] = (
    key_in_script,
    key_file_open,
    wrong_account,
    netrc_write_fails,
    login_timeout,
    prompt_choice,
    login_while_offline,
)
