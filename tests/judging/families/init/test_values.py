"""Rules about what a run is given: each fires on its own words or facts, and on no healthy one."""

import pytest

from harness.evidence.models import Place, ScriptLook, SdkLogs, UnreadVariable
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.families.init.values import RULES
from tests.judging import build as b

COMM = "wandb.errors.errors.CommError"
TAG = "Value error, Tag 'xxxx...xxxx' is 70 characters. Tags must be between 1 and 64 characters"
SDK = 'File "/opt/lib/python3.12/site-packages/wandb/sdk/wandb_init.py", line 1, in init'


def failed(exception, message, frames=(SDK,), **change):
    error = b.error(exception, message, frames=frames)
    return b.no_run(job=b.job("Traceback", ending="failed", output=b.output("Traceback", errors=(error,))), **change)


def hit(found, fault):
    return b.hits(RULES, found).get(fault)


@pytest.mark.parametrize(
    ("exception", "message", "value", "limit"),
    [
        (COMM, "invalid parameters: 64 limit exceeded for JobType", "The job type", "64 characters"),
        (COMM, "invalid parameters: 128 limit exceeded for DisplayName", "The run's name", "128 characters"),
        (COMM, "invalid parameters: 128 limit exceeded for GroupName", "The group", "128 characters"),
        (COMM, "invalid parameters: 300 limit exceeded for Notes", "The notes", "300 characters"),
        ("ValidationError", TAG, "A tag", "64 characters"),
        (COMM, "invalid tag 'xxx'. must be between 1 and 64 characters", "A tag", "64 characters"),
        ("UsageError", "Invalid project name 'ppp': exceeded 128 characters", "The project's name", "128 characters"),
        ("ValueError", "Artifact name is longer than 128 characters: 'run-x'", "The artifact name", "128 characters"),
        (COMM, "run config cannot exceed 15 MB", "The run config", "15 MB"),
        ("OSError", "[Errno 36] File name too long: '/w/wandb/run-20261129_095856-iii'", "The run's id",
         "128 characters"),
    ],
)  # fmt: skip
def test_too_long(exception, message, value, limit):
    found = hit(failed(exception, message), "init-value-too-long")
    assert (found.values["value"], found.values["limit"]) == (value, limit)


def test_the_servers_answer_in_the_sdks_log_is_enough():
    """SDKs before 0.28 print no more than that the run could not be made."""
    answer = b.http("invalid parameters: 64 limit exceeded for JobType", 400)
    found = b.no_run(local=b.local(b.run_with_http(answer)))
    assert hit(found, "init-value-too-long").values["value"] == "The job type"


@pytest.mark.parametrize(
    ("exception", "message", "frames"),
    [
        ("OSError", "[Errno 36] File name too long: '/data/xxx'", ('File "train.py", line 1',)),
        (COMM, "permission denied", (SDK,)),
        ("ValueError", "API key must be 40 characters long, yours was 86", (SDK,)),
        ("ValueError", "sequence too long: 128 characters", ('File "train.py", line 1',)),
    ],
)
def test_other_errors_are_of_no_length(exception, message, frames):
    assert hit(failed(exception, message, frames), "init-value-too-long") is None


@pytest.mark.parametrize(
    ("facts", "offline", "severity"),
    [
        ({"display_name": "n" * 129}, True, "warning"), ({"job_type": "j" * 65}, True, "warning"),
        ({"tags": ("a", "t" * 65)}, True, "warning"), ({"display_name": "n" * 128}, True, None),
        ({"display_name": "n" * 129}, False, None),
    ],
)  # fmt: skip
def test_nobody_looks_offline(facts, offline, severity):
    run = b.local_run(offline=offline, log=b.log(run=RunFacts(**facts)))
    found = hit(b.evidence(local=b.local(run), server=b.server()), "init-value-too-long")
    assert (found.severity if found else None) == severity


CHANGED = (
    'Attempted to change value of key "epochs" from 3 to 6\n'
    "If you really want to do this, pass allow_val_change=True to config.update()"
)


def test_config_changed():
    frames = ('File "train.py", line 17, in <module>', 'File "/x/site-packages/wandb/sdk/wandb_config.py", line 188')
    found = hit(failed("wandb.sdk.lib.config_util.ConfigError", CHANGED, frames), "init-config-changed-on-resume")
    assert found.values == {"key": "epochs", "old": "3", "new": "6"}
    assert found.observed[1] == 'File "train.py", line 17, in <module>'


def test_another_config_error_is_another():
    assert hit(failed("ConfigError", "no such key"), "init-config-changed-on-resume") is None


def swept(look=None, *lines, sweep_id="", **variables):
    setup = b.setup(place=Place(variables=variables), script=look or ScriptLook())
    run = b.local_run(log=b.log(run=RunFacts(sweep_id=sweep_id)))
    return hit(b.evidence(setup=setup, job=b.job(*lines), local=b.local(run)), "init-stale-sweep")


def test_a_sweep_without_an_agent():
    assert swept(WANDB_SWEEP_ID="k3x9").values == {"sweep": "k3x9"}
    assert swept(sweep_id="k3x9").observed == ("The run belongs to sweep k3x9.",)


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        ("wandb: WARNING Ignoring run_id 'x' when running a sweep.", ("test_exactly_one_run",)),
        ("wandb: WARNING Ignoring project 'vit' when running a sweep.", None),
    ],
)
def test_a_sweep_makes_another_run_of_each_start_of_one(line, fails):
    runs = (
        b.local_run(run_id=i, path=i, log=b.log(run=RunFacts(sweep_id="k3x9")), sdk_logs=SdkLogs(pid=7)) for i in "ab"
    )
    found = b.evidence(job=b.job(line), local=b.local(*runs), server=b.server(*(b.server_run(id=i) for i in "ab")))
    assert hit(found, "init-stale-sweep").fails == fails


@pytest.mark.parametrize(
    "told",
    [
        swept(),
        swept(WANDB_SWEEP_ID="k3x9", WANDB_SWEEP_PARAM_PATH="/w/config-defaults.yaml"),
        swept(ScriptLook(runs_agent=True), sweep_id="k3x9"),
        swept(None, "wandb: Agent Starting Run: a1 with config:", sweep_id="k3x9"),
    ],
    ids=["no sweep", "the agent's variables", "the script's own agent", "an agent in the output"],
)
def test_a_trial_of_a_sweep_is_fine(told):
    assert told is None


def test_misspelt_variables():
    unread = (UnreadVariable(name="WANDB_ENTITTY", meant="WANDB_ENTITY"),)
    found = hit(b.evidence(setup=b.setup(unread_variables=unread)), "init-unknown-variable")
    assert found.observed == ("WANDB_ENTITTY (in the environment) is probably meant as WANDB_ENTITY.",)
    assert hit(b.evidence(), "init-unknown-variable") is None
    assert hit(b.evidence(setup=None), "init-unknown-variable") is None
