"""The fault that CONTRIBUTING adds as its example is found, in a copy of the repository that has it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.in_ci import real_part
from tests.repository import REPOSITORY

PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
PARTS = ("harness", "tests", "checks", "conftest.py", "pyproject.toml")
ID = "job-gpu-oom"
RULES = "RULES: tuple[Rule, ...] = ("


def steps() -> dict[str, str]:
    """What goes into which file: the first file that a numbered step names, and its block of code."""
    told = re.findall(r"^\*\*\d\. .*?`((?:harness|tests)/\S+)`.*?^```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return dict(told)


def add(repository: Path, file: str, text: str) -> None:
    """Append the text to a file; a rule goes above the list of rules, and into it."""
    path = repository / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if not (rule := re.match(r"def (\w+)\(evidence: Evidence\)", text)):
        path.write_text(f"{before}\n{text}" if before else text, encoding="utf-8")
        return
    assert before.count(RULES) == 1
    path.write_text(before.replace(RULES, f"{text}\n\n{RULES}\n    {rule[1]},"), encoding="utf-8")


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A copy of the repository with the example in it."""
    copy = tmp_path_factory.mktemp("repository")
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / part)
    for file, text in steps().items():
        add(copy, file, text)
    return copy


def run(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in the copy."""
    command = [sys.executable, *words]
    env = {"PYTHONPATH": str(repository), "PATH": "/usr/bin:/bin", "HOME": str(repository)}
    return subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_example_is_one_rule_one_entry_one_scenario_and_a_test():
    assert list(steps()) == [
        "harness/judging/families/job/catalogue.yaml",
        "harness/judging/families/job/output.py",
        "tests/judging/families/job/test_output.py",
        "tests/faults/scenarios/job.py",
    ]
    name = re.match(r"def (\w+)", steps()["harness/judging/families/job/output.py"])[1]
    assert f"add `{name}` to `RULES`" in " ".join(PAGE.split())


@real_part
def test_nobody_has_added_it_yet():
    assert run(REPOSITORY, "-m", "harness", "explain", ID).returncode == 4


@real_part
def test_its_page_is_shown(repository):
    shown = run(repository, "-m", "harness", "explain", ID).stdout
    assert "The GPU ran out of memory" in shown
    assert "grep -n batch_size" in shown


@real_part
def test_a_log_that_shows_it_is_explained(repository):
    (repository / "slurm.out").write_text("torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB.\n")
    assert run(repository, "-m", "harness", "explain", "--log", "slurm.out").stdout.startswith(f"{ID} line 1:")


@pytest.mark.slow
def test_its_own_test_and_those_of_the_catalogue_pass(repository):
    own = "tests/judging/families/job/test_output.py::test_a_full_gpu_is_told_from_full_main_memory"
    done = run(repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", own)
    assert done.returncode == 0, done.stdout
    done = run(repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/judging/test_catalogue.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_it_is_found_in_a_real_job(repository):
    done = run(repository, "-m", "tests.faults.table", "-k", "gpu-memory-full")
    assert re.search(rf"gpu-memory-full +{ID} +found", done.stdout), done.stdout + done.stderr
    assert done.returncode == 0
