"""Hostile names do nothing in the terminal, in JUnit, in GraphQL, in the batch script and in the shell.

For HTML, Markdown and GitHub's annotations the same is shown in `tests/report`, with the same names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.evidence.models import Evidence
from harness.evidence.redaction.documents import redacted
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.server.find import Where, glance, read_one
from harness.evidence.server.reader import Reader
from harness.loopback.server import LoopbackServer
from harness.settings.model import SettingsError, SlurmSettings
from harness.settings.site import Site
from harness.targets.slurm.script import Plan, directives, render
from tests.faults.run import REPOSITORY, clean_environment
from tests.in_ci import real_part
from tests.report.samples import HOSTILE, hostile

SHELL = (
    "$(touch pwned)", "`touch pwned`", "; touch pwned #", "' ; touch pwned ; '", '" ; touch pwned ; "',
    "a\ntouch pwned\n", "&& touch pwned", "| touch pwned", "${IFS}touch${IFS}pwned", "--help", "\\", "*", "~",
)  # fmt: skip
NAMES = (
    *(name for name in HOSTILE if name.isprintable()), '"}){viewer{id}}', "a) { __schema { types } } #", '{"$or":[{}]}',
    "..", "%2e%2e%2f", "a\\nb", "$entity", "name\u2028x",
)  # fmt: skip
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def as_json() -> str:
    """The hostile evidence; a lone surrogate, which JSON cannot carry, and what is long for its own sake left out."""
    text = json.dumps(hostile()[0].model_dump(mode="json"), default=str)
    return text.replace("\\ud800", "?").replace("x" * 1000, "")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A verification of hostile evidence with hostile options: what stands on the terminal, and JUnit's file."""
    folder = tmp_path_factory.mktemp("hostile")
    saved, junit = folder / "evidence.json", folder / "junit.xml"
    saved.write_text(as_json())
    odd = folder / "re\x1b[31mport\u202e <b>::error::x"
    command = [sys.executable, "-m", "pytest", str(REPOSITORY / "checks"), "-c", str(REPOSITORY / "pyproject.toml")]
    options = ["--rootdir", str(REPOSITORY), "--replay", str(saved), "--report", str(odd), "--junit-xml", str(junit)]
    done = subprocess.run(
        [*command, *options, "-rA"], cwd=folder, env={**clean_environment(), "GITHUB_ACTIONS": "true"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr, junit


@real_part
def test_the_terminal_is_told_nothing_but_text(shown):
    output, _ = shown
    assert "verdict: failed" in output
    assert not CONTROL.search(output)


@real_part
def test_github_takes_no_line_of_a_run_for_a_command(shown):
    held = shown[0].splitlines()
    begin = next(n for n, line in enumerate(held) if line.startswith("::stop-commands::"))
    token = held[begin].removeprefix("::stop-commands::")
    end = held.index(f"::{token}::")
    assert not [line for line in held[:begin] if line.startswith("::")]
    assert all(
        re.match(r"::(error|warning) title=W&B verification", line) for line in held[end + 1 :] if "::" in line[:2]
    )


@real_part
def test_junit_is_whole_and_has_no_case_of_its_own_making(shown):
    suite = ET.parse(shown[1]).getroot()
    cases = suite.findall(".//testcase")
    assert {case.get("classname") for case in cases} <= {
        f"checks.{p.stem}" for p in (REPOSITORY / "checks").glob("*.py")
    }
    assert {e.tag for case in cases for e in case.iter()} <= {
        "testcase", "properties", "property", "failure", "skipped", "error", "system-out",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["\x1b[2J", "\u202egnp", "a\x9bb"])
def test_a_refused_option_is_repeated_without_its_controls(value):
    assert not CONTROL.search(str(SettingsError(f"--run: {value} is no run")))


@pytest.fixture(scope="module")
def backend():
    with LoopbackServer() as server:
        for n, name in enumerate(NAMES):
            server.store.seed_run("loopback", name, f"run{n}", username="loopback-user", tags=[name], display_name=name)
        yield server


@pytest.fixture(scope="module")
def reader(backend):
    with Reader(backend.url, backend.api_key, os.environ) as found:
        yield found


@pytest.mark.parametrize("number", range(len(NAMES)), ids=lambda n: ascii(NAMES[n]))
def test_a_name_is_a_value_in_graphql_and_no_part_of_the_question(backend, reader, number, monkeypatch):
    monkeypatch.setattr("harness.evidence.server.run_parts.PAUSES", ())
    name = NAMES[number]
    reading = glance(reader, Where(projects=(("loopback", name),), token=name))
    assert {run.id for run in reading.runs} <= {f"run{number}"}, "another project's runs"
    for path in ((name, "x", "y"), ("loopback", "x", name)):
        assert not read_one(reader, path, ("loss", name)).runs
    assert not backend.unknown_operations
    assert not backend.crashes


@pytest.fixture
def shell(tmp_path):
    """Run a batch script in a folder of its own with stand-ins for all that it calls; returns the folder."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("srun", "scontrol", "module", "singularity"):
        (tools / name).write_text('#!/bin/sh\nprintf "%s\\n" "$@" >> "$ARGS"\n')
        (tools / name).chmod(0o755)

    def run(text: str) -> Path:
        environment = {
            "PATH": f"{tools}:/usr/bin:/bin", "ARGS": str(tmp_path / "args"), "HOME": str(tmp_path),
            "SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "1", "SLURM_JOB_NODELIST": "n", "SLURM_JOB_NUM_NODES": "1",
            "TMPDIR": str(tmp_path),
        }  # fmt: skip
        subprocess.run(
            ["bash", "-c", text], cwd=tmp_path, env=environment, capture_output=True, timeout=30, check=False
        )
        return tmp_path

    return run


@pytest.mark.parametrize("value", SHELL, ids=ascii)
def test_no_name_runs_a_command_in_the_batch_script(shell, tmp_path, value):
    place = tmp_path / "here"
    place.mkdir()
    plan = Plan(
        slurm=SlurmSettings(), site=Site(modules=()), script=place / value / "train.py", args=("--name", value),
        chdir=place, container=place / f"{value}.sif", marker=place / "ended", variables={"WANDB_TAGS": value},
    )  # fmt: skip
    folder = shell(render(plan))
    assert not list(folder.rglob("pwned"))
    given = (folder / "args").read_text()
    assert f"{place / value / 'train.py'}\n--name\n{value}\n" in given


@pytest.mark.parametrize("value", [*SHELL, "#SBATCH --account=other", "a\n#SBATCH --account=other"], ids=ascii)
def test_no_name_is_a_directive(value):
    plan = Plan(slurm=SlurmSettings(), site=Site(), script=Path("t.py"), account="project_1", output=f"/x/{value}")
    if "\n" in value:
        with pytest.raises(SettingsError, match="line break"):
            render(plan)
        return
    found = directives(render(plan))
    assert (found["account"], found["output"]) == ("project_1", f"/x/{value}")


def test_saved_evidence_carries_no_control_characters():
    text = redacted(Evidence.model_validate_json(as_json()), Redactor()).model_dump_json()
    assert not CONTROL.search(json.dumps(json.loads(text), ensure_ascii=False).replace("\\n", ""))
