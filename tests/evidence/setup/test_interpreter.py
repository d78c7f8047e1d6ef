"""What the job's Python tells: which `wandb` it would import, and what the SDK itself is set to there."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.evidence.setup.interpreter import Interpreter, ask_interpreter
from harness.evidence.setup.job_settings import read_job_settings
from tests.in_ci import first_in_quick, real_part

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "cwd").mkdir()
    (tmp_path / "job/train.py").write_text("import wandb\n")
    return tmp_path


@pytest.fixture
def ask(place):
    """Asks this Python, with site-packages (`-s` style variables leave them in) or a made-up search path."""

    def _ask(python=sys.executable, script="job/train.py", patience_s=20.0, **env):
        env = {"PATH": os.environ["PATH"], "HOME": str(place), **env}
        interpreter = Interpreter((str(python),), str(python), patience_s)
        asked = ask_interpreter(interpreter, read_job_settings(env, place / "cwd"), place / script if script else None)
        assert KEY not in repr(asked)
        return asked

    return _ask


@pytest.fixture
def look(ask):
    """As `ask`, for what is seen of wandb alone."""
    return lambda *given, **named: ask(*given, **named).python


@pytest.fixture
def bare(place):
    """A Python without any package, as in a container that lacks wandb."""
    wrapper = place / "bare-python"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def fake_sdk(folder, version="0.31.0", *, core=True, code="raise SystemExit('imported')\n"):
    (folder / "wandb/sdk").mkdir(parents=True)
    (folder / "wandb/__init__.py").write_text(code)
    (folder / f"wandb-{version}.dist-info").mkdir()
    if core:
        (folder / "wandb/bin").mkdir()
        (folder / "wandb/bin/wandb-core").write_text("")
        (folder / "wandb/bin/wandb-core").chmod(0o755)


@real_part
def test_the_real_sdk(look):
    import importlib.metadata

    found = look()
    assert found.trouble is None
    assert found.wandb_kind == "package"
    assert found.wandb_version == importlib.metadata.version("wandb")
    assert found.wandb_location.endswith("wandb/__init__.py")
    assert found.core_binary == "present"
    assert found.python_version == ".".join(map(str, sys.version_info[:3]))
    for package in ("protobuf", "pydantic"):
        assert found.packages[package] == importlib.metadata.version(package)


def test_an_sdk_that_cannot_be_imported_is_seen_all_the_same(ask, bare, place):
    fake_sdk(place / "site")
    asked = ask(bare, PYTHONPATH=str(place / "site"))
    assert (asked.python.trouble, asked.python.wandb_kind) == (None, "package")
    assert (asked.sdk.built, asked.sdk.trouble.text) == (False, "SystemExit: imported")


def test_a_slow_import_is_not_waited_for(ask, bare, place):
    fake_sdk(place / "site", code="import time; time.sleep(60)\n")
    asked = ask(bare, PYTHONPATH=str(place / "site"), patience_s=1.0)
    assert (asked.python.trouble, asked.python.wandb_version) == (None, "0.31.0")
    assert (asked.sdk.trouble.kind, asked.sdk.trouble.text) == ("timeout", "no answer within 1 s")


def test_an_import_that_ends_the_process_is_told(ask, bare, place):
    fake_sdk(place / "site", code="import os, sys; os.write(2, b'core dumped'); os._exit(139)\n")
    asked = ask(bare, PYTHONPATH=str(place / "site"))
    assert (asked.python.wandb_kind, asked.sdk.trouble.text) == ("package", "core dumped")


def test_a_key_that_an_error_quotes_is_not_passed_on(ask, bare, place):
    code = "import os; raise ValueError('no good: ' + os.environ['WANDB_API_KEY'])\n"
    fake_sdk(place / "site", code=code)
    asked = ask(bare, PYTHONPATH=str(place / "site"), WANDB_API_KEY="short-key")
    assert asked.sdk.trouble.text == "ValueError: no good: [redacted]"


def test_nothing_but_the_sdk_is_imported(look, place):
    """A wandb.py beside the script may be the user's training script."""
    (place / "job/wandb.py").write_text(f"open({str(place / 'ran')!r}, 'w')\n")
    assert look().wandb_kind == "file"
    assert not (place / "ran").exists()


@real_part
def test_the_sdks_own_settings(ask, place):
    sdk = ask(WANDB_API_KEY=KEY, WANDB_ENTITY="e", WANDB_PROJECT="p", WANDB_DIR="runs", WANDB_CONSOLE="off").sdk
    assert (sdk.mode, sdk.entity, sdk.project, sdk.console, sdk.root_dir) == ("online", "e", "p", "off", "runs")
    assert (sdk.key_length, sdk.key_fingerprint) == (40, "deb87fab")
    assert (sdk.problems, sdk.warnings, sdk.changed_variables, sdk.trouble) == ((), (), (), None)


@real_part
@pytest.mark.parametrize(
    ("file", "line", "setting"),
    first_in_quick(
        (file, line, setting)
        for file in ("cwd/wandb/settings", ".config/wandb/settings")
        for line, setting in (("no_such_setting = 1", "no_such_setting"), ("mode = offlin", "mode"))
    ),
)
def test_a_line_that_the_sdk_does_not_take_costs_the_whole_file(ask, place, file, line, setting):
    (place / file).parent.mkdir(parents=True)
    (place / file).write_text(f"[default]\nentity = e\n{line}\n")
    sdk = ask(WANDB_SILENT="true").sdk
    assert (sdk.mode, sdk.entity) == ("online", None)
    assert [(p.setting, p.where, p.outcome) for p in sdk.ignored] == [(setting, str(place / file), "files_ignored")]
    assert sdk.warnings[-1] == "ERROR 1 validation error for Settings"


@real_part
@pytest.mark.parametrize(
    "text",
    first_in_quick([(f"[default]\napi_key {KEY}\n",), ("mode = offline\n",), ("[default]\nmode = a\nmode = b\n",)]),
)
def test_a_file_that_cannot_be_parsed_is_told_without_a_line_of_it(ask, place, text):
    (place / "cwd/wandb").mkdir()
    (place / "cwd/wandb/settings").write_text(text)
    sdk = ask().sdk
    assert sdk.mode == "online"
    assert [(p.where, p.outcome) for p in sdk.problems] == [(str(place / "cwd/wandb/settings"), "file_unreadable")]


@real_part
@pytest.mark.parametrize(
    "text", first_in_quick([("[default]\nhttps_proxy = http://me:%40secret@h\n",), ("[default]\nnotes = \udcff\n",)])
)
def test_a_file_over_which_the_sdk_stumbles(ask, place, text):
    (place / "cwd/wandb").mkdir()
    (place / "cwd/wandb/settings").write_text(text, errors="surrogateescape")
    sdk = ask().sdk
    assert not sdk.built
    assert [(p.where, p.outcome) for p in sdk.problems] == [(str(place / "cwd/wandb/settings"), "refused")]
    assert "secret" not in repr(sdk)


@real_part
@pytest.mark.parametrize(
    ("variable", "value", "setting"),
    first_in_quick([
        ("WANDB_MODE", "foo", "mode"),
        ("WANDB_HTTP_TIMEOUT", "abc", "x_graphql_timeout_seconds"),
        ("WANDB_INIT_TIMEOUT", "90s", "init_timeout"),
        ("WANDB_X_STATS_SAMPLING_INTERVAL", "often", "x_stats_sampling_interval"),
        ("WANDB__DISABLE_STATS", "maybe", "x_disable_stats"),
    ]),
)  # fmt: skip
def test_a_variable_that_the_sdk_refuses(ask, variable, value, setting):
    sdk = ask(**{variable: value}).sdk
    assert [(p.setting, p.where, p.outcome) for p in sdk.problems] == [(setting, variable, "refused")]
    assert value not in repr(sdk.problems[0].text)
    assert not sdk.built


@real_part
def test_what_the_interpreter_itself_sets(ask, place):
    (place / "site").mkdir()
    (place / "site/sitecustomize.py").write_text("import os; os.environ['WANDB_MODE'] = 'offline'; print('hello')\n")
    asked = ask(PYTHONPATH=str(place / "site"), WANDB_ENTITY="e")
    assert (asked.sdk.mode, asked.sdk.changed_variables) == ("offline", ("WANDB_MODE",))
    assert "hello" in asked.aside.splitlines()


def test_no_wandb(look, bare):
    found = look(bare)
    assert found.wandb_kind == "missing"
    assert found.wandb_location is None
    assert found.core_binary == "unknown"
    assert found.torch_version is None


def test_a_folder_of_runs_beside_the_script_poses_as_wandb(look, bare, place):
    (place / "job/wandb/run-1").mkdir(parents=True)
    found = look(bare)
    assert found.wandb_kind == "namespace_folder"
    assert found.wandb_location == str(place / "job/wandb")


@real_part
def test_a_folder_of_runs_shadows_nothing_where_wandb_is_installed(look, place):
    (place / "job/wandb").mkdir()
    assert look().wandb_kind == "package"


def test_the_current_folder_is_not_on_the_path_of_a_script(look, bare, place):
    (place / "cwd/wandb").mkdir()
    assert look(bare).wandb_kind == "missing"
    assert look(bare, script=None).wandb_kind == "namespace_folder"
    assert look(bare, script="job.sh").wandb_kind == "namespace_folder"


@pytest.mark.parametrize("name", ["wandb.py", "wandb/__init__.py"])
def test_a_file_of_the_users_shadows_wandb(look, place, name):
    (place / "job" / name).parent.mkdir(exist_ok=True)
    (place / "job" / name).write_text("")
    found = look()
    assert found.wandb_kind == "file"
    assert found.wandb_location == str(place / "job" / name)
    assert found.wandb_version is None


@real_part
@pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH is new in Python 3.11")
def test_a_safe_path_leaves_the_scripts_folder_out(look, place):
    (place / "job/wandb.py").write_text("")
    assert look(PYTHONSAFEPATH="1").wandb_kind == "package"


@pytest.mark.parametrize(
    ("version", "core", "state"),
    [
        ("0.31.0", True, "present"),
        ("0.31.0", False, "missing"),
        ("0.16.6", False, "unknown"),
        ("0.18.0", False, "missing"),
    ],
)
def test_the_binary_of_the_sdk(look, bare, place, version, core, state):
    fake_sdk(place / "site", version, core=core)
    found = look(bare, PYTHONPATH=str(place / "site"))
    assert (found.wandb_version, found.core_binary) == (version, state)


def test_a_binary_that_must_not_be_run_is_missing(look, bare, place):
    fake_sdk(place / "site")
    (place / "site/wandb/bin/wandb-core").chmod(0o644)
    assert look(bare, PYTHONPATH=str(place / "site")).core_binary == "missing"


def test_versions_are_read_from_all_kinds_of_names(look, bare, place):
    for name in ("torch-2.9.1+rocm6.4.dist-info", "numpy-1.26.4-py3.12.egg-info", "Protobuf-4.21.0.dist-info"):
        (place / "site" / name).mkdir(parents=True)
    found = look(bare, PYTHONPATH=str(place / "site"))
    assert found.torch_version == "2.9.1+rocm6.4"
    assert found.packages == {"numpy": "1.26.4", "protobuf": "4.21.0"}


def test_chatter_of_the_interpreter_does_not_confuse(look, bare, place):
    wrapper = place / "chatty"
    wrapper.write_text(f'#!/bin/sh\necho "module loaded"\n{bare} "$@"\necho "bye"\n')
    wrapper.chmod(0o755)
    assert look(wrapper).wandb_kind == "missing"


def test_no_such_python(look):
    found = look("/nonexistent/python")
    assert found.trouble.kind == "missing"
    assert found.wandb_kind == "unknown"


def test_a_python_that_must_not_be_run(look, place):
    (place / "python").write_text("")
    assert look(place / "python").trouble.kind == "permission"


def test_a_python_that_fails(look, place):
    key = "0123456789abcdef0123456789abcdef01234567"
    wrapper = place / "broken"
    wrapper.write_text(f"#!/bin/sh\necho 'error while loading shared libraries {key}' >&2\nexit 127\n")
    wrapper.chmod(0o755)
    trouble = look(wrapper).trouble
    assert trouble.kind == "other"
    assert trouble.text == "error while loading shared libraries [redacted]"


@pytest.mark.parametrize("output", ["", "harness-job-python:{", "harness-job-python:[1]"])
def test_a_python_that_says_nothing_of_use(look, place, output):
    wrapper = place / "odd"
    wrapper.write_text(f"#!/bin/sh\necho '{output}'\n")
    wrapper.chmod(0o755)
    assert look(wrapper).trouble.text == "exit code 0"


def test_a_python_that_never_answers_is_ended_with_its_children(look, place):
    wrapper = place / "slow"
    wrapper.write_text(f"#!/bin/sh\nsleep 30 &\necho $! > {place}/pid\nwait\n")
    wrapper.chmod(0o755)
    assert look(wrapper, patience_s=0.3).trouble.kind == "timeout"
    child = int((place / "pid").read_text())
    assert _gone(child)


def _gone(pid):
    for _ in range(50):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_current_folder_that_is_gone(tmp_path):
    asked = ask_interpreter(Interpreter((sys.executable,), "python"), read_job_settings({}, tmp_path / "gone"), None)
    assert asked.python.trouble == asked.sdk.trouble
    assert asked.python.trouble.kind == "missing"


OLD = sorted({path for minor in range(6, 15) if (path := shutil.which(f"python3.{minor}"))})


@pytest.mark.slow
@pytest.mark.parametrize("python", OLD or [sys.executable])
def test_every_python_on_this_machine_can_be_asked(look, python):
    answers = subprocess.run([python, "-c", "print(1)"], capture_output=True, check=False).returncode == 0
    found = look(python)
    assert (found.trouble is None) is answers
    if answers:
        assert found.python_version.startswith("3.")
