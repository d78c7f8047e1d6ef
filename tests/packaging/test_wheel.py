"""The wheel, installed into an empty environment: the command works from an empty folder, whatever lies about there."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.report.samples import duplicates
from tests.repository import REPOSITORY

pytestmark = pytest.mark.slow


def run(*command, **more):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600, check=False, **more)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, REPOSITORY)
    if done.returncode:
        pytest.skip(f"no wheel can be built here: {done.stderr[-200:]}")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def command(wheel, tmp_path_factory):
    """The command in an environment with the wheel and what it needs, without torch."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(home, with_pip=True)
    done = run(home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    if done.returncode:
        pytest.skip(f"its requirements cannot be installed here: {done.stderr[-200:]}")
    return home / "bin" / "lumi-wandb"


def test_the_checks_are_in_the_package_and_nothing_else_is_on_top(wheel):
    with zipfile.ZipFile(wheel) as held:
        names = held.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"harness"}
    own = {path.name for path in (REPOSITORY / "checks").glob("test_*.py")}
    assert own == {Path(name).name for name in names if name.startswith("harness/checks/test_")}
    assert "harness/py.typed" in names


@pytest.fixture
def folder(tmp_path):
    """A folder of odd name that would mislead any other pytest."""
    place = tmp_path / "für mich"
    place.mkdir()
    (place / "conftest.py").write_text('raise RuntimeError("of the user\'s own tests")\n')
    (place / "pytest.ini").write_text("[pytest]\naddopts = --forked -n 2\nrequired_plugins = nowhere\n")
    return place


def environment(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "PYTEST", "HARNESS", "PYTHON"))}
    return {**kept, "HOME": str(home), "PYTEST_ADDOPTS": "--forked --nothing", "PYTEST_PLUGINS": "nowhere"}


def test_it_judges_saved_evidence_from_a_folder_with_tests_of_its_own(command, folder, tmp_path):
    saved = tmp_path / "evidence.json"
    saved.write_text(duplicates()[0].model_dump_json())
    done = run(command, "check", "--replay", saved, "--report", "rep", cwd=folder, env=environment(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads((folder / "rep" / "verdict.json").read_text())["root_cause"] == "dup-one-run-per-rank"
    assert "lumi-wandb check" in (folder / "rep" / "summary.md").read_text()


def test_a_local_job_without_torch_is_refused_with_what_to_install(command, folder, tmp_path):
    done = run(command, "check", cwd=folder, env=environment(tmp_path))
    assert done.returncode == 4
    assert "pip install 'lumi-wandb-harness[local]'" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["faults"], ["explain", "auth-no-key"]])
def test_its_other_verbs_work_there_too(command, folder, tmp_path, words):
    assert run(command, *words, cwd=folder, env=environment(tmp_path)).returncode == 0
