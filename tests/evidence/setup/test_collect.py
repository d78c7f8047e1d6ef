"""All collectors together: complete, quick, without a key in what they return."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.evidence.models.setup import Setup
from harness.evidence.network.background import Background
from harness.evidence.setup.collect import collect_setup
from harness.evidence.setup.interpreter import Interpreter, ask_interpreter
from harness.evidence.setup.job_settings import read_job_settings
from harness.loopback.server import LoopbackServer
from tests.in_ci import first_in_quick, real_part

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def server():
    with LoopbackServer(api_key=KEY) as running:
        yield running


@pytest.fixture
def env(tmp_path, server):
    return {"HOME": str(tmp_path), "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}


def collect(env, cwd, *, script=None, python=sys.executable, **asked_for):
    """The setup of a job there, of which that Python is asked."""
    settings = read_job_settings(env, cwd)
    asked = Background(lambda: ask_interpreter(Interpreter((python,), python), settings, script))
    return collect_setup(settings, asked, script=script, **asked_for)


@real_part
def test_a_good_setup(env, tmp_path, server):
    (tmp_path / "train.py").write_text("import wandb\nwandb.init(project='p')\n")
    setup = collect(env, tmp_path, script=tmp_path / "train.py", project="p")
    assert setup.credentials.winning.source == "WANDB_API_KEY"
    assert setup.mode.winning.value == "online"
    assert all(step.ok for step in setup.network.steps)
    assert (setup.network.entity, setup.network.project) == ("loopback", "p")
    assert setup.network.project_access == "writable"
    assert setup.network.base_url_source == "WANDB_BASE_URL"
    assert setup.python.wandb_kind == "package"
    assert (setup.sdk.mode, setup.sdk.base_url, setup.sdk.trouble) == ("online", server.url, None)
    assert setup.sdk.key_fingerprint == setup.credentials.winning.fingerprint
    assert setup.place.wandb_dir_writable
    assert not setup.script_sets_key
    assert server.unknown_operations == []


@real_part
def test_the_key_is_nowhere_in_it(env, tmp_path):
    (tmp_path / "train.py").write_text(f"import wandb\nwandb.login(key='{KEY}')\n")
    (tmp_path / ".netrc").write_text(f"machine api.wandb.ai login user password {KEY}\n")
    env["WANDB_NOTES"] = KEY
    setup = collect(env, tmp_path, script=tmp_path / "train.py")
    assert setup.script_sets_key
    assert KEY not in setup.model_dump_json() + repr(setup)


def test_it_survives_json(env, tmp_path):
    setup = collect(env, tmp_path)
    assert Setup.model_validate_json(setup.model_dump_json()) == setup


@pytest.mark.slow
def test_it_takes_little_longer_than_the_import_of_the_sdk(env, tmp_path):
    def shortest(work):
        seconds = []
        for _ in range(3):
            started = time.monotonic()
            work()
            seconds.append(time.monotonic() - started)
        return min(seconds)

    imported = shortest(lambda: subprocess.run([sys.executable, "-c", "import wandb"], check=True))
    assert shortest(lambda: collect(env, tmp_path, project="p")) < 1.5 * imported + 0.3


def test_the_server_is_left_alone_when_it_is_not_wanted(env, tmp_path, server):
    setup = collect(env, tmp_path, probe_server=False)
    assert setup.network.steps == ()
    assert setup.network.base_url == server.url
    assert server.requests == []


@real_part
@pytest.mark.parametrize(
    ("given", "variables", "file", "expected"),
    first_in_quick([
        ({"entity": "a", "project": "b"}, {"WANDB_ENTITY": "c", "WANDB_PROJECT": "d"}, "", ("a", "b")),
        ({}, {"WANDB_ENTITY": "c", "WANDB_PROJECT": "d"}, "entity = e\nproject = f", ("c", "d")),
        ({}, {}, "entity = e\nproject = f", ("e", "f")),
        ({}, {}, "", (None, None)),
    ]),
)  # fmt: skip
def test_where_runs_will_go(env, tmp_path, given, variables, file, expected):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text(f"[default]\n{file}\n")
    setup = collect(env | variables, tmp_path, probe_server=False, **given)
    assert (setup.network.entity, setup.network.project) == expected


@pytest.mark.parametrize(("version", "machine_found"), [("0.31.0", False), ("0.19.5", True)])
def test_netrc_is_read_as_the_jobs_sdk_reads_it(env, tmp_path, version, machine_found):
    """The older SDK looks for the host without its port; the probe uses the key that the job would use."""
    python = fake_python(tmp_path, version)
    del env["WANDB_API_KEY"]
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login user password {KEY}\n")
    setup = collect(env, tmp_path, script=None, python=str(python))
    assert setup.python.wandb_version == version
    assert (setup.credentials.winning is not None) is machine_found
    assert (setup.network.viewer is not None) is machine_found


@pytest.mark.parametrize(
    ("version", "url"), [("0.31.0", "https://api.forge.coreweave.com"), ("0.30.0", "https://api.wandb.ai")]
)
def test_the_usual_server_is_that_of_the_jobs_sdk(tmp_path, version, url):
    python = fake_python(tmp_path, version)
    setup = collect({"HOME": str(tmp_path)}, tmp_path, script=None, python=str(python), probe_server=False)
    assert (setup.network.base_url, setup.network.base_url_source) == (url, "default")


def fake_python(folder: Path, version: str) -> Path:
    """A Python that has nothing but a wandb of that version."""
    (folder / "site/wandb/sdk").mkdir(parents=True)
    (folder / "site/wandb/__init__.py").write_text("")
    (folder / f"site/wandb-{version}.dist-info").mkdir()
    wrapper = folder / "python"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={folder}/site exec {sys.executable} -S "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@real_part
def test_what_the_sdk_drops_is_not_obeyed(env, tmp_path, server):
    """The server is asked again where the SDK takes another one than was read here."""
    (tmp_path / "wandb").mkdir()
    text = f"[default]\nmode = offline\nbase_url = http://127.0.0.1:9\nentity = e\napi_key = {KEY}\nno_such = 1\n"
    (tmp_path / "wandb/settings").write_text(text)
    (tmp_path / ".config/wandb").mkdir(parents=True)
    (tmp_path / ".config/wandb/settings").write_text("[default]\nproject = p\n")
    del env["WANDB_BASE_URL"]
    setup = collect(env, tmp_path, probe_server=False)
    assert (setup.mode.winning.value, setup.network.base_url_source) == ("online", "default")
    assert "127.0.0.1" not in setup.network.base_url
    assert (setup.network.entity, setup.network.project) == (None, None)
    (why,) = setup.sdk.ignored
    assert (why.setting, why.where) == ("no_such", str(tmp_path / "wandb/settings"))


@real_part
def test_the_server_is_tried_again_where_the_sdk_goes_to_another_one(env, tmp_path, server):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nhttp_proxy = http://127.0.0.1:9\nno_such = 1\n")
    setup = collect(env, tmp_path, project="p")
    assert setup.network.viewer is not None
    assert setup.network.proxies == ()


def test_nothing_is_there_at_all(tmp_path):
    env = {
        "HOME": str(tmp_path / "gone-home"),
        "WANDB_BASE_URL": "nonsense",
        "WANDB_API_KEY": "",
        "WANDB_MODE": "onlin",
    }
    setup = collect(env, tmp_path, script=tmp_path / "gone.py", python="/nonexistent/python")
    assert setup.credentials.winning is None
    assert not setup.credentials.home_exists
    assert setup.network.base_url_problem
    assert setup.python.trouble.kind == "missing"
    assert setup.mode.winning.value == "onlin"
