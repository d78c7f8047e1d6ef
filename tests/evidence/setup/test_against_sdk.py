"""The real SDK, asked in the same environment with the same files, agrees with what is read here, and with its word."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from harness.evidence.network.address import base_url_problem, version_tuple
from harness.evidence.setup.credentials import api_key_in_use, collect_credentials, key_problem
from harness.evidence.setup.interpreter import ask_interpreter
from harness.evidence.setup.job_settings import read_job_settings
from harness.evidence.setup.mode import collect_mode
from harness.evidence.setup.question import Interpreter
from tests.compat import sdks
from tests.in_ci import first_in_quick

KEY = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"
NEW = "wandb_v1_" + "Ab3" * 25 + "zz"

# Answers for many places in one process: a fresh singleton for each, because a process start costs half a second.
ORACLE = r"""
import inspect, json, os, sys
import wandb
from wandb.sdk import wandb_setup
try:
    from wandb.sdk.lib.wbauth import authenticate
except ImportError:
    authenticate = None
    from wandb.sdk.lib import apikey

def key_of(settings):
    if authenticate is None:
        return apikey.api_key(settings)
    function = authenticate.authenticate_session
    wanted = {"host": settings.base_url, "source": "test", "prompt": False, "update_session": False}
    known = inspect.signature(function).parameters
    return getattr(function(**{k: v for k, v in wanted.items() if k in known}), "api_key", None)

def ask(case):
    os.environ.clear()
    os.environ.update(case["env"])
    os.chdir(case["cwd"])
    wandb_setup._singleton = None
    if authenticate is not None:
        authenticate._session_auth = None
    try:
        setup = wandb_setup.singleton() or wandb_setup._setup()
        settings = setup.settings
        answer = {"mode": settings.mode, "base_url": settings.base_url, "root_dir": settings.root_dir,
                  "entity": settings.entity, "project": settings.project, "key": None, "refused": None}
    except Exception as error:
        return {"settings_refused": str(error)}
    try:
        answer["key"] = key_of(settings)
    except Exception as error:
        if "No API key configured" not in str(error):
            answer["refused"] = str(error)
    return answer

print("ANSWERS" + json.dumps([ask(case) for case in json.load(sys.stdin)]))
"""


@dataclass
class Case:
    """Files by path, below the folder of the case, and variables; `{}` stands for that folder."""

    name: str
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def settings(**values: str) -> str:
    return "[default]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def entry(host: str, key: str) -> str:
    return f"machine {host}\n  login user\n  password {key}\n"


WORKSPACE, USER, NETRC = "cwd/wandb/settings", "home/.config/wandb/settings", "home/.netrc"
OFFLINE = settings(mode="offline")
HIDDEN, CONF = "cwd/.wandb/settings", "conf/settings"
CLOUD, FORGE = "api.wandb.ai", "api.forge.coreweave.com"
CASES = [
    Case("nothing"),
    Case("mode-env", {"WANDB_MODE": "offline"}),
    Case("mode-dryrun", {"WANDB_MODE": "dryrun"}),
    Case("mode-workspace", {}, {WORKSPACE: settings(mode="offline")}),
    Case("mode-user", {}, {USER: settings(mode="disabled")}),
    Case("mode-both", {}, {WORKSPACE: settings(mode="offline"), USER: settings(mode="disabled")}),
    Case("mode-env-beats-files", {"WANDB_MODE": "online"}, {WORKSPACE: settings(mode="offline")}),
    Case("mode-hidden-folder", {}, {HIDDEN: settings(mode="disabled"), WORKSPACE: settings(mode="offline")}),
    Case("mode-wandb-dir", {"WANDB_DIR": "{}/dir"}, {"dir/wandb/settings": settings(mode="offline")}),
    Case("mode-wandb-dir-and-cwd", {"WANDB_DIR": "{}/dir"}, {WORKSPACE: settings(mode="offline")}),
    Case("mode-config-dir", {"WANDB_CONFIG_DIR": "{}/conf"}, {CONF: OFFLINE, USER: settings(mode="disabled")}),
    Case("mode-config-dir-tilde", {"WANDB_CONFIG_DIR": "~/conf"}, {"home/conf/settings": settings(mode="offline")}),
    Case("mode-bad-file", {}, {WORKSPACE: settings(mode="offlin"), USER: settings(mode="disabled", entity="e")}),
    Case("mode-bad-beside-good", {}, {WORKSPACE: settings(mode="offline", base_url="wandb.ai")}),
    Case("mode-no-section", {}, {WORKSPACE: "[other]\nmode = offline\n"}),
    Case("mode-broken-file", {}, {WORKSPACE: "mode = offline\n", USER: settings(mode="disabled")}),
    Case("mode-bad-env", {"WANDB_MODE": "onlin"}),
    Case("mode-empty-env", {"WANDB_MODE": ""}),
    Case("url-env", {"WANDB_BASE_URL": "http://127.0.0.1:8080/x/"}),
    Case("url-file", {}, {USER: settings(base_url="https://file.example/")}),
    Case("url-env-beats-file", {"WANDB_BASE_URL": "https://env.example"}, {USER: settings(base_url="https://file.example")}),
    Case("url-forge-proxy", {"WANDB_BASE_URL": "https://forge.coreweave.com/api/wandb"}),
    Case("url-wandb.ai", {"WANDB_BASE_URL": "https://wandb.ai"}),
    Case("url-http", {"WANDB_BASE_URL": "http://api.wandb.ai"}),
    Case("url-no-scheme", {"WANDB_BASE_URL": "api.wandb.ai"}),
    Case("url-empty", {"WANDB_BASE_URL": ""}),
    Case("url-space", {"WANDB_BASE_URL": "https://api.wandb.ai "}),
    Case("entity-project", {"WANDB_PROJECT": "env"}, {USER: settings(entity="e", project="p")}),
    Case("dir-relative", {"WANDB_DIR": "runs"}),
    Case("key-env", {"WANDB_API_KEY": KEY}),
    Case("key-new", {"WANDB_API_KEY": NEW}),
    Case("key-local", {"WANDB_API_KEY": f"local-{KEY}"}),
    Case("key-env-beats-netrc", {"WANDB_API_KEY": KEY}, {NETRC: entry(FORGE, OTHER)}),
    Case("key-empty-env", {"WANDB_API_KEY": ""}, {NETRC: entry(FORGE, KEY)}),
    Case("key-netrc-forge", {}, {NETRC: entry(FORGE, KEY)}),
    Case("key-netrc-cloud", {}, {NETRC: entry(CLOUD, KEY)}),
    Case("key-netrc-both", {}, {NETRC: entry(CLOUD, OTHER) + entry(FORGE, KEY)}),
    Case("key-netrc-old-cloud", {"WANDB_BASE_URL": f"https://{CLOUD}"}, {NETRC: entry(FORGE, KEY)}),
    Case("key-netrc-other-host", {}, {NETRC: entry("wandb.ai", KEY)}),
    Case("key-netrc-default", {}, {NETRC: f"default login user password {KEY}\n"}),
    Case("key-netrc-port", {"WANDB_BASE_URL": "http://localhost:8080"}, {NETRC: entry("localhost:8080", KEY)}),
    Case("key-netrc-no-port", {"WANDB_BASE_URL": "http://localhost:8080"}, {NETRC: entry("localhost", KEY)}),
    Case("key-netrc-variable", {"NETRC": "{}/keys"}, {"keys": entry(FORGE, KEY), NETRC: entry(FORGE, OTHER)}),
    Case("key-netrc-variable-gone", {"NETRC": "{}/gone"}, {NETRC: entry(FORGE, OTHER)}),
    Case("key-netrc-windows", {}, {"home/_netrc": entry(FORGE, KEY)}),
    Case("key-netrc-broken", {}, {NETRC: f"machine {FORGE} login user passwort {KEY}\n"}),
    Case("key-netrc-no-password", {}, {NETRC: f'machine {FORGE} login user password ""\n'}),
    Case("key-netrc-short", {}, {NETRC: entry(FORGE, "abc")}),
    Case("key-settings", {}, {WORKSPACE: settings(api_key=KEY)}),
    Case("key-netrc-beats-settings", {}, {WORKSPACE: settings(api_key=OTHER), NETRC: entry(FORGE, KEY)}),
    Case("key-settings-dropped", {}, {WORKSPACE: settings(api_key=KEY, mode="offlin")}),
    Case("key-short", {"WANDB_API_KEY": "abc"}),
    Case("key-illegal", {"WANDB_API_KEY": f"{KEY[:-1]}!"}),
    Case("key-quotes", {"WANDB_API_KEY": f'"{KEY}"'}),
    Case("key-whitespace", {"WANDB_API_KEY": f"{KEY}\n"}),
    Case("key-blank", {"WANDB_API_KEY": " "}),
    Case("key-placeholder", {"WANDB_API_KEY": "<your_api_key>"}),
    Case("key-jwt", {"WANDB_API_KEY": "head.payload.signature"}),
    Case("key-and-token", {"WANDB_API_KEY": KEY, "WANDB_IDENTITY_TOKEN_FILE": "{}/token"}, {"token": "a.b.c"}),
    Case("home-gone", {"HOME": "/nonexistent/home"}),
]  # fmt: skip


def lay_out(case, folder):
    """Make the files of the case; the environment that goes with them."""
    for name in ("home", "cwd"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    env = {"HOME": str(folder / "home"), "PATH": os.environ["PATH"], "WANDB_SILENT": "true"}
    return env | {name: value.replace("{}", str(folder)) for name, value in case.env.items()}


def ask_sdk(python, folder):
    cases = [{"env": lay_out(case, folder / case.name), "cwd": str(folder / case.name / "cwd")} for case in CASES]
    done = subprocess.run(
        [str(python), "-c", ORACLE], input=json.dumps(cases), capture_output=True, text=True, timeout=120, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWERS"))
    answers = json.loads(line.removeprefix("ANSWERS"))
    return {case.name: (made["env"], answer) for case, made, answer in zip(CASES, cases, answers, strict=True)}


def compare(answer, settings):
    """One environment, judged by both."""
    version = settings.sdk_version
    base_url, _ = settings.base_url()
    credentials = collect_credentials(settings)
    if "settings_refused" in answer:
        mode = collect_mode(settings, None).winning.value
        refused = (
            mode not in {"online", "offline", "shared", "disabled", "dryrun", "run"}
            or base_url_problem(base_url, version) is not None
            or "whitespace" in [source.problem for source in credentials.sources]
        )
        assert refused, answer
        problem = base_url_problem(base_url, version)
        assert problem is None or problem in answer["settings_refused"]
        return
    assert base_url_problem(base_url, version) is None
    assert base_url == answer["base_url"]
    assert collect_mode(settings, None).winning.value == answer["mode"]
    assert str(settings.wandb_root()) == str(settings.cwd / answer["root_dir"])
    assert (settings.get("entity"), settings.get("project")) == (answer["entity"], answer["project"])
    key = api_key_in_use(settings)
    if answer["refused"]:
        both = {s.source for s in credentials.sources} >= {"WANDB_API_KEY", "identity_token"}
        assert both or key_problem(key)
    else:
        assert key == (answer["key"] or None)
        checked = version_tuple(version) >= (0, 23, 1)
        assert not (checked and credentials.winning and credentials.winning.problem)


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """The answers of the SDK that the harness itself has."""
    folder = tmp_path_factory.mktemp("sdk")
    return folder, ask_sdk(sys.executable, folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_read_here_agrees_with_the_newest_sdk(sdk, case):
    import wandb

    folder, answers = sdk
    env, answer = answers[case.name]
    compare(answer, read_job_settings(env, folder / case.name / "cwd", sdk_version=wandb.__version__))


def told(python, version, env, cwd):
    """What was read here, corrected by the SDK's own word."""
    read = read_job_settings(env, cwd)
    asked = ask_interpreter(Interpreter((str(python),), str(python)), read, None)
    assert (asked.python.wandb_kind, asked.python.wandb_version, asked.python.core_binary) == (
        "package", version, "present",
    )  # fmt: skip
    shown = repr(asked)
    assert not [key for key in (KEY, OTHER, NEW) if key in shown]
    return read.corrected(asked.sdk, version)


ASKED = ("mode-both", "mode-bad-file", "entity-project", "dir-relative", "key-settings", "key-netrc-both")


@pytest.mark.parametrize("name", first_in_quick((name,) for name in ASKED))
def test_the_word_of_the_newest_sdk_is_understood(sdk, name):
    import wandb

    folder, answers = sdk
    env, answer = answers[name]
    settings = told(sys.executable, wandb.__version__, env, folder / name / "cwd")
    assert settings.sdk.built
    compare(answer, settings)


DIFFERENT = {
    # Takes no WANDB_CONFIG_DIR and stops at a bad settings file, which newer ones drop.
    "0.19.5": {
        "mode-config-dir", "mode-config-dir-tilde", "mode-bad-file", "mode-bad-beside-good", "mode-broken-file",
        "key-settings-dropped",
    },
    # Refuses keys that are tokens.
    "0.24.2": {"key-jwt"},
}  # fmt: skip


def told_of(answer):
    return {name for name, value in answer.items() if value is not None}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.19.5", "0.24.2", "0.28.2", "0.30.0"])
def test_older_sdks_agree(version, tmp_path):
    python = sdks.sdk_python(version)
    answers = ask_sdk(python, tmp_path)
    for case in CASES:
        env, answer = answers[case.name]
        cwd = tmp_path / case.name / "cwd"
        if case.name not in DIFFERENT.get(version, ()):
            compare(answer, read_job_settings(env, cwd, sdk_version=version))
        if case.name in {*ASKED, *DIFFERENT.get(version, ())} and not {"settings_refused", "refused"} & told_of(answer):
            compare(answer, told(python, version, env, cwd))


UNKNOWN = settings(mode="offline", no_such_setting="1")


@pytest.mark.slow
@pytest.mark.parametrize(("version", "outcome"), [("0.19.5", "refused"), ("0.24.2", "files_ignored"),
                                                  ("0.30.0", "files_ignored")])  # fmt: skip
def test_older_sdks_tell_of_an_unknown_key(version, outcome, tmp_path):
    env = lay_out(Case("unknown", {}, {WORKSPACE: UNKNOWN}), tmp_path)
    found = told(sdks.sdk_python(version), version, env, tmp_path / "cwd")
    assert [(p.setting, p.outcome) for p in found.sdk.problems] == [("no_such_setting", outcome)]
    assert found.sdk.problems[0].where == str(tmp_path / WORKSPACE)
    assert found.sdk.mode == (None if outcome == "refused" else "online")


@pytest.mark.slow
def test_an_sdk_that_is_too_old_to_be_asked_is_read_from_outside(tmp_path):
    env = lay_out(Case("old", {}, {WORKSPACE: OFFLINE}), tmp_path)
    found = told(sdks.sdk_python("0.18.1"), "0.18.1", env, tmp_path / "cwd")
    assert (found.sdk.built, found.sdk.trouble.kind) == (False, "other")
    assert collect_mode(found, None).winning.value == "offline"
