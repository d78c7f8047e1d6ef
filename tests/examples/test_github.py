"""The workflow: well-formed, and its commands do what they say, as far as that can be tried without GitHub."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.repository import REPOSITORY as CLONE

WORKFLOW = CLONE / "examples" / "github" / "wandb.yml"


@pytest.fixture(scope="module")
def workflow():
    return yaml.load(WORKFLOW.read_text(), Loader=yaml.BaseLoader)  # keeps `on` a word


def step(workflow, name):
    return next(s for s in workflow["jobs"]["verify"]["steps"] if s.get("name") == name)


def test_it_needs_no_secret_and_may_only_read(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in WORKFLOW.read_text()
    assert int(workflow["jobs"]["verify"]["timeout-minutes"]) <= 30


def test_nothing_from_a_pull_request_is_put_into_a_command(workflow):
    for s in workflow["jobs"]["verify"]["steps"]:
        assert "${{" not in s.get("run", "")


def test_the_report_is_kept_also_when_the_check_fails(workflow):
    assert step(workflow, "Keep the report")["if"] == "always()"
    assert step(workflow, "Keep the report")["with"]["path"] in step(workflow, "Verify")["run"]


def test_its_options_exist(workflow):
    words = shlex.split(step(workflow, "Verify")["run"])
    help_text = subprocess.run(
        [sys.executable, "-m", "pytest", "--help", "-c", str(CLONE / "pyproject.toml"), "--rootdir", str(CLONE), CLONE],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    for word in words:
        if word.startswith("--"):
            assert word in help_text


@pytest.mark.slow
@pytest.mark.parametrize(("guard", "code"), [("if rank == 0:", 0), ("if True:", 1)])
def test_its_command_verifies_a_script(workflow, tmp_path, guard, code):
    from tests.faults.scenario import PRELUDE, init_job

    command = tmp_path / "bin" / "lumi-wandb"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={CLONE} exec {sys.executable} -m harness "$@"\n')
    command.chmod(0o755)
    (tmp_path / "train.py").write_text(PRELUDE + init_job(guard=guard))
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "PYTEST", "HARNESS"))}
    summary = tmp_path / "summary.md"
    environ = {
        **clean, **{k: v for k, v in workflow["env"].items() if k in ("JOB", "EXPECT")}, "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary), "PATH": f"{command.parent}:{Path(sys.executable).parent}:{clean['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-c", step(workflow, "Verify")["run"]],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout
    assert (tmp_path / "wandb-report" / "report.html").exists()
    junit = (tmp_path / "wandb-report" / "junit.xml").read_text()
    if code:
        assert "::error title=W&B verification%3A dup-one-run-per-rank::" in done.stdout
        assert "Root cause" in summary.read_text()
        assert '<property name="root_cause" value="dup-one-run-per-rank"' in junit
        assert '<property name="run" value="http' in junit
    else:
        assert "::error" not in done.stdout
        assert "W&amp;B verification: passed" in summary.read_text()
