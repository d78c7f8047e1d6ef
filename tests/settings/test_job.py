"""`--job` and `--job-args`: script, module or shell script, and their arguments, or one sentence."""

import pytest

from harness.settings.job import arguments, job_of
from harness.settings.model import SettingsError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pkg").mkdir()
    for name in ("pkg/__init__.py", "pkg/mod.py", "pkg/__main__.py", "train.py"):
        (tmp_path / name).touch()
    (tmp_path / "train.sh").write_text("python train.py\n")
    (tmp_path / "batch.sh").write_text("#!/bin/bash\n#SBATCH --nodes=1\n")
    (tmp_path / "program").write_bytes(b"\x7fELF\0")
    (tmp_path / "notes.ipynb").write_text("{}")
    (tmp_path / "run").write_text("#!/usr/bin/env python3\nimport wandb\n")
    (tmp_path / "last.py").symlink_to("gone.py")
    (tmp_path / "dos.sh").write_bytes(b"#!/bin/bash\r\ntorchrun train.py\r\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "file", "module"),
    [
        ("train.py", "train.py", None),
        ("train.sh", "train.sh", None),
        ("-m pkg.mod", "pkg/mod.py", "pkg.mod"),
        ("-mpkg.mod", "pkg/mod.py", "pkg.mod"),
        ("-m pkg", "pkg/__main__.py", "pkg"),
    ],
)
def test_a_job_is_a_script_or_a_module(folder, text, file, module):
    assert job_of(text, folder, here=True) == (folder / file, module)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-m pkg.other", "no module pkg.other"),
        ("-m pkg.mod --lr 1", "without arguments"),
        ("-x", "is not a module"),
        ("batch.sh", "needs --lumi"),
        ("program", "is a program"),
        ("missing.py", "does not exist; give the path"),
        ("trian.py", "does not exist; did you mean train.py"),
        ("last.py", "is a link to gone.py, which does not exist"),
        ("pkg", "is a folder"),
        ("/dev/null", "is no ordinary file"),
        ("dos.sh", "has the line ends of Windows, .+; take them out: sed -i "),
        ("notes.ipynb", "is a notebook; save it as a script"),
        ("run", "is a Python script; give it the ending .py"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(folder, text, words):
    with pytest.raises(SettingsError, match=words) as refusal:
        job_of(text, folder, here=True)
    assert "\n" not in str(refusal.value)


def test_what_may_not_be_read_is_refused_in_one_sentence(folder, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SettingsError, match=r"train\.py cannot be read by you; see whose it is: ls -ld "):
        job_of("train.py", folder, here=True)


def test_a_batch_script_and_a_module_of_the_container_go_to_slurm(folder):
    assert job_of("batch.sh", folder, here=False) == (folder / "batch.sh", None)
    assert job_of("-m in.container", folder, here=False)[1] == "in.container"


def test_arguments_are_split_as_a_shell_splits_them(folder):
    job = folder / "train.py"
    assert arguments("--data '/x y' --lr 1e-3 $HOME", job=job) == ("--data", "/x y", "--lr", "1e-3", "$HOME")
    assert arguments(None, job=None) == ()
    with pytest.raises(SettingsError, match="cannot be split"):
        arguments("--data 'x", job=job)
    with pytest.raises(SettingsError, match="add --job"):
        arguments("--lr 1", job=None)
