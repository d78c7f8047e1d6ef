"""What keeps a job from being submitted: each question on its own, and which of them are asked."""

import pytest

from harness.evidence.models import ModeSource, Request, SdkSettings
from harness.judging.setup_questions import access_problem, blockers, key_problem, mode_problem, reach_problem, refusal
from tests.judging import build as b

NO_KEY = b.setup(credentials=b.with_keys())
REJECTED = b.setup(network=b.refused("viewer"))
ONLINE = Request(source="job", target="local", server="real")


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        (NO_KEY, "no API key"),
        (b.setup(credentials=b.with_keys(b.key(problem="too_short"))), "WANDB_API_KEY is malformed: too short"),
    ],
)
def test_a_key_that_would_not_be_sent(setup, words):
    assert words in key_problem(setup)


def test_the_sdk_that_finds_no_key_is_quoted():
    setup = NO_KEY.model_copy(update={"sdk": SdkSettings(mode="online", key_length=0)})
    assert "the SDK finds none" in key_problem(setup)


def test_a_mode_of_the_interpreter_is_told_as_that():
    assert "Python or its container" in mode_problem(b.setup(mode=b.mode("offline", "interpreter")))


@pytest.mark.parametrize(
    "change", [{"script_sets_key": True}, {"script_names": ("base_url",)}, {"credentials": b.with_keys(b.key("netrc"))}]
)
def test_a_key_that_may_be_there(change):
    assert key_problem(NO_KEY.model_copy(update=change)) is None


def test_a_key_that_the_server_refuses():
    assert "refuses the key: user is not logged in" in refusal(REJECTED)
    assert refusal(b.setup(network=b.refused("viewer", kind="timeout"))) is None
    assert refusal(b.setup()) is None


def test_a_server_that_cannot_be_reached():
    odd = b.network(base_url_problem="did you mean https://api.wandb.ai?")
    assert reach_problem(b.setup(network=odd)) == "did you mean https://api.wandb.ai?"
    away = b.setup(network=b.refused("dns", "dns", "no such host", None))
    assert "cannot be reached (dns): no such host" in reach_problem(away)
    assert reach_problem(away.model_copy(update={"script_names": ("base_url",)})) is None
    assert reach_problem(b.setup()) is None


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (b.network(project_access="read_only"), "team/vit may be read but not written with this key"),
        (b.network(project_access="no_such_entity", entity="lab"), "lab/vit belongs to an entity that the server does"),
        (b.network(project_access="forbidden", project=None), "team/… is closed to this key"),
    ],
)
def test_a_project_that_cannot_be_written_is_named(network, words):
    assert access_problem(b.setup(network=network)).startswith(words)


def test_a_mode_is_told_with_the_place_that_sets_it():
    source = ModeSource(source="system_settings", value="offline", path="/users/me/.config/wandb/settings")
    told = mode_problem(b.setup(mode=b.mode(sources=(source,))))
    assert told == "the mode is 'offline', set by /users/me/.config/wandb/settings"
    assert mode_problem(b.setup(mode=b.mode("disabled"))) == "the mode is 'disabled', set by environment"


@pytest.mark.parametrize(
    ("setup", "request_", "failing"),
    [
        (b.setup(), ONLINE, set()),
        (NO_KEY, ONLINE, {"test_api_key_is_configured"}),
        (NO_KEY, ONLINE.model_copy(update={"offline": True}), set()),
        (REJECTED, ONLINE, {"test_api_key_is_accepted"}),
        (b.setup(network=b.refused("dns", "dns", "no such host", None)), ONLINE, {"test_server_is_reachable"}),
        (b.setup(network=b.network(project_access="read_only")), ONLINE, {"test_project_is_writable"}),
        (b.setup(mode=b.mode("offline")), ONLINE, {"test_mode_is_online"}),
        (b.setup(mode=b.mode("offline", script_decides=True)), ONLINE, set()),
        (b.setup(mode=b.mode("run")), ONLINE, set()),
    ],
)
def test_checks_that_fail_for_certain(setup, request_, failing):
    assert set(blockers(setup, request_)) == failing
