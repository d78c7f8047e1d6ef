"""The default verification, end to end: a real DDP job, the real SDK at both ends, nothing left behind."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY as CLONE

pytestmark = pytest.mark.slow


def start(folder, *options):
    command = [sys.executable, "-m", "pytest", str(CLONE / "checks"), "-c", str(CLONE / "pyproject.toml")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS", "PYTEST"))}
    (folder / "tmp").mkdir()
    return subprocess.Popen(
        [*command, "--rootdir", str(CLONE), "--report", str(folder / "report"), *options],
        cwd=folder, env={**environment, "TMPDIR": str(folder / "tmp")}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def left_behind(folder):
    """Processes whose environment names this folder, or whose job token is set, beside ourselves."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in environment and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_bytes())
    return found


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default")
    process = start(folder)
    text, _ = process.communicate(timeout=300)
    return folder, process.returncode, text


@pytest.mark.sample
def test_everything_passes_but_what_needs_a_gpu(verified):
    folder, code, text = verified
    verdict = json.loads((folder / "report" / "verdict.json").read_text())
    assert code == 0, text
    assert (verdict["verdict"], verdict["root_cause"]) == ("passed", None)
    assert not [f for f in verdict["findings"] if f["severity"] != "info"]
    outcomes = {c["name"].rpartition("::")[2]: c["outcome"] for c in verdict["checks"]}
    others = {n for n, o in outcomes.items() if o != "passed"}
    assert {n for n in others if "outage" not in n and "restart" not in n} == {
        "test_every_gpu_reports", "test_gpus_were_used",
    }  # fmt: skip
    assert outcomes["test_every_gpu_reports"] == "not_applicable"


@pytest.mark.sample
def test_metrics_were_seen_while_the_job_ran(verified):
    folder, _, text = verified
    timings = json.loads((folder / "report" / "verdict.json").read_text())["timings"]
    assert 0 < timings["first_point_s"] < timings["job_ended_s"]
    assert 0 < timings["first_system_metric_s"] < timings["job_ended_s"]
    assert "point seen" in text


@pytest.mark.sample
def test_the_loss_really_falls_and_saved_evidence_says_so(verified):
    folder, *_ = verified
    evidence = json.loads((folder / "report" / "evidence.json").read_text())
    points = [value for _, value in evidence["server"]["runs"][0]["series"]["loss"]["sketch"]]
    assert len(points) == 4
    assert points[-1] < points[0]


def test_no_key_is_in_any_file_or_output(verified):
    folder, _, text = verified
    keys = re.compile(rb"\b[0-9a-f]{40}\b")
    files = [p for p in (folder / "report").glob("*") if p.is_file()]
    assert files
    assert not [p for p in files if keys.search(p.read_bytes())]
    assert not keys.search(text.encode())


def test_nothing_is_left_behind(verified):
    folder, *_ = verified
    assert left_behind(folder) == []
    assert [p.name for p in folder.iterdir() if p.name not in ("report", "tmp")] == []
