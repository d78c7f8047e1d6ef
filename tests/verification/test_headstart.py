"""A local job's Python is asked once, ahead of all else, and again only where the question turns out to be another."""

import os
from dataclasses import replace

import pytest

from harness.evidence.setup.job_settings import read_job_settings
from harness.evidence.setup.question import Question
from harness.settings.model import Settings
from harness.targets.environment import user_environment
from harness.verification.headstart import asked_ahead, job_folder, question_here
from harness.verification.prepared import ask_here


@pytest.fixture
def settings(tmp_path):
    """A shell script's job, whose Python is the one on the PATH: here one that notes how often it was asked."""
    return Settings(target="local", source="job", server="real", cwd=tmp_path, job=tmp_path / "train.sh")


@pytest.fixture
def environment(tmp_path):
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho asked >> "{tmp_path}/asked"\necho "in $PWD"\n')
    python.chmod(0o755)
    return {"PATH": f"{python.parent}:{os.environ['PATH']}"}


def asked(folder):
    return (folder / "asked").read_text().count("asked")


def test_the_same_question_is_answered_without_asking_again(settings, environment, tmp_path):
    printed = asked_ahead(settings, tmp_path, environment)
    assert printed(question_here(settings, dict(environment), tmp_path)).output == f"in {tmp_path}\n"
    assert asked(tmp_path) == 1


def test_what_is_asked_ahead_is_what_a_verification_asks(settings, environment, tmp_path):
    environment |= {"PYTEST_CURRENT_TEST": "a", "WANDB_PROJECT": "b"}
    printed = asked_ahead(settings, tmp_path, environment)
    own = read_job_settings(environment, settings.cwd)
    here = own.moved(user_environment(own.env, None), job_folder(settings, tmp_path))
    assert ask_here(here, settings, printed).result().python.trouble is not None
    assert asked(tmp_path) == 1


def test_another_folder_or_environment_is_asked_for(settings, environment, tmp_path):
    printed = asked_ahead(settings, tmp_path, environment)
    other = tmp_path / "other"
    other.mkdir()
    assert printed(question_here(settings, environment, other)).output == f"in {other}\n"
    printed(question_here(settings, {**environment, "WANDB_MODE": "offline"}, tmp_path))
    printed(question_here(settings, environment, tmp_path))
    assert asked(tmp_path) == 3


@pytest.mark.parametrize("other", [{"server": "loopback"}, {"target": "slurm"}, {"source": "run"}])
def test_what_is_not_known_yet_is_not_asked(settings, environment, tmp_path, other):
    assert asked_ahead(replace(settings, **other), tmp_path, environment) == Question.ask
    assert not (tmp_path / "asked").exists()


def test_the_built_in_job_starts_in_a_folder_beside_the_reports(settings, tmp_path):
    assert job_folder(replace(settings, job=None), tmp_path) == tmp_path / "job"
    assert (tmp_path / "job").is_dir()
    assert job_folder(settings, tmp_path) == settings.cwd
