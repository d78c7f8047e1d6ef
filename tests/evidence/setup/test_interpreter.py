"""Which `wandb` a Python would import, told without importing it, for every way in which it can be the wrong one."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.evidence.setup import interpreter as module
from harness.evidence.setup.interpreter import collect_job_python


@pytest.fixture
def place(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "cwd").mkdir()
    (tmp_path / "job/train.py").write_text("import wandb\n")
    return tmp_path


@pytest.fixture
def look(place):
    """Asks this Python, with site-packages (`-s` style variables leave them in) or a made-up search path."""

    def _look(python=sys.executable, script="job/train.py", **env):
        env = {"PATH": os.environ["PATH"], "HOME": str(place), **env}
        return collect_job_python(str(python), place / "cwd", place / script if script else None, env)

    return _look


@pytest.fixture
def bare(place):
    """A Python without any package, as in a container that lacks wandb."""
    wrapper = place / "bare-python"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def fake_sdk(folder, version="0.31.0", *, core=True):
    (folder / "wandb/sdk").mkdir(parents=True)
    (folder / "wandb/__init__.py").write_text("raise SystemExit('imported')\n")
    (folder / f"wandb-{version}.dist-info").mkdir()
    if core:
        (folder / "wandb/bin").mkdir()
        (folder / "wandb/bin/wandb-core").write_text("")
        (folder / "wandb/bin/wandb-core").chmod(0o755)


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


def test_wandb_is_not_imported(look, bare, place):
    fake_sdk(place / "site")
    found = look(bare, PYTHONPATH=str(place / "site"))
    assert found.trouble is None
    assert found.wandb_kind == "package"


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


def test_a_python_that_never_answers_is_ended_with_its_children(look, place, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.3)
    wrapper = place / "slow"
    wrapper.write_text(f"#!/bin/sh\nsleep 30 &\necho $! > {place}/pid\nwait\n")
    wrapper.chmod(0o755)
    assert look(wrapper).trouble.kind == "timeout"
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
    found = collect_job_python(sys.executable, tmp_path / "gone", None, {})
    assert found.trouble is not None


OLD = sorted({path for minor in range(6, 15) if (path := shutil.which(f"python3.{minor}"))})


@pytest.mark.slow
@pytest.mark.parametrize("python", OLD or [sys.executable])
def test_every_python_on_this_machine_can_be_asked(look, python):
    answers = subprocess.run([python, "-c", "print(1)"], capture_output=True, check=False).returncode == 0
    found = look(python)
    assert (found.trouble is None) is answers
    if answers:
        assert found.python_version.startswith("3.")
