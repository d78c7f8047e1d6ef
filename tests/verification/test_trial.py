"""Cures are tried on a copy: what is copied, what is left out, what is never tried, and what comes of it."""

import json
import subprocess

import pytest

from harness.judging.cures.cure import Cure
from harness.judging.judge import judge
from harness.settings.model import Settings
from harness.verification import trial as trials
from harness.verification.trial import cost, own_options, tried
from harness.verification.trial_place import copied_folder, copied_home
from tests.faults.recorded import recordings


def test_only_the_harness_own_options_are_given_again():
    given = ["checks", "-q", "--job", "train.py", "--report=r", "--try-cure", "-k", "init", "--offline", "--nproc=3"]
    assert own_options(given) == ["--job", "train.py", "--offline", "--nproc=3"]


def test_code_is_copied_and_data_are_linked(tmp_path):
    folder = tmp_path / "own"
    (folder / "data").mkdir(parents=True)
    (folder / "wandb").mkdir()
    (folder / "wandb" / "settings").write_text("[default]\n")
    (folder / "train.py").write_text("1")
    copy = copied_folder(folder, tmp_path / "copy", folder / "train.py")
    (copy / "train.py").write_text("2")
    (copy / "wandb" / "settings").write_text("")
    assert (folder / "train.py").read_text() == "1"
    assert (folder / "wandb" / "settings").read_text() == "[default]\n"
    assert (copy / "data").is_symlink()


def test_a_script_in_a_folder_below_is_a_copy_too(tmp_path):
    folder = tmp_path / "own"
    (folder / "src" / "deep").mkdir(parents=True)
    script = folder / "src" / "deep" / "train.py"
    script.write_text("1")
    (folder / "src" / "other.py").write_text("1")
    copy = copied_folder(folder, tmp_path / "copy", script)
    (copy / "src" / "deep" / "train.py").write_text("2")
    assert script.read_text() == "1"
    assert (copy / "src" / "other.py").read_text() == "1"


def test_settings_at_home_are_copied(tmp_path):
    home = tmp_path / "home"
    (home / ".config" / "wandb").mkdir(parents=True)
    (home / ".config" / "wandb" / "settings").write_text("[default]\n")
    (home / ".netrc").write_text("machine a\n")
    (home / "big").mkdir()
    copy = copied_home(home, tmp_path / "copy")
    (copy / ".config" / "wandb" / "settings").write_text("")
    (copy / ".netrc").chmod(0o600)
    subprocess.run(["sed", "-i", "s/a/b/", str(copy / ".netrc")], check=True)
    assert (home / ".config" / "wandb" / "settings").read_text() == "[default]\n"
    assert (home / ".netrc").read_text() == "machine a\n"
    assert (copy / "big").is_symlink()


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return Settings(target="local", source="job", server="loopback", cwd=folder, job=folder / "train.py")


def answering(monkeypatch, *verdicts):
    """Verifications that find these, one after the other; returns what each was run with."""
    seen, left = [], list(verdicts)

    def verify(_place, lines, _arguments, _report):
        seen.append(list(lines))
        return left.pop(0)

    monkeypatch.setattr(trials._Place, "verify", verify)
    return seen


PASSED = {"verdict": "passed", "root_cause": None, "findings": []}


def failed(name):
    return json.loads(judge(recordings()[name]).model_dump_json())


def test_a_cure_that_helps_is_said_to_have_been_tried(settings, tmp_path, monkeypatch):
    seen = answering(monkeypatch, PASSED)
    verdict, said = tried(settings, judge(recordings()["offline-variable"]), (), tmp_path, {"HOME": str(tmp_path)})
    assert seen == [["unset WANDB_MODE"]]
    assert verdict.findings[0].cure.tried is True
    assert [t.words for t in said] == ["tried: with it, the verification passes"]


def test_a_cure_that_does_not_help_is_said_not_to(settings, tmp_path, monkeypatch):
    answering(monkeypatch, failed("offline-variable"))
    verdict, _ = tried(settings, judge(recordings()["offline-variable"]), (), tmp_path, {})
    assert verdict.findings[0].cure.tried is False
    assert verdict.findings[0].cure.trial == "tried: it does not help: it is mode-env-offline still"


def test_one_cause_is_mended_after_the_other(settings, tmp_path, monkeypatch):
    seen = answering(monkeypatch, failed("quoted-key"), PASSED)
    verdict, said = tried(settings, judge(recordings()["offline-variable"]), (), tmp_path, {})
    assert [t.fault for t in said] == ["mode-env-offline", "auth-key-illegal-chars"]
    assert seen[1][0] == "unset WANDB_MODE"
    assert verdict.findings[0].cure.tried is True


@pytest.mark.parametrize(
    "cure",
    [
        None, Cure(kind="edit"), Cure(kind="outside", commands=("curl x",)),
        Cure(kind="shell", commands=("python -m pip install wandb",)),
        Cure(kind="shell", commands=("python -m wandb sync x",)),
        Cure(kind="shell", commands=('export HOME="$(getent passwd me | cut -d: -f6)"',)),
    ],
)  # fmt: skip
def test_what_changes_more_than_a_copy_is_not_tried(settings, tmp_path, monkeypatch, cure):
    seen = answering(monkeypatch)
    found = judge(recordings()["offline-variable"])
    findings = (found.findings[0].model_copy(update={"cure": cure}), *found.findings[1:])
    verdict, said = tried(settings, found.model_copy(update={"findings": findings}), (), tmp_path, {})
    assert seen == []
    assert said[0].words.startswith("not tried: ")
    assert cure is None or verdict.findings[0].cure.tried is None


def test_another_job_is_announced_with_its_price(settings):
    assert "on this machine" in cost(settings)
    slurm = Settings(target="slurm", source="job", server="real", cwd=settings.cwd)
    assert "1 nodes with 8 GPUs each, at most 00:10:00; it is billed like the first" in cost(slurm)
