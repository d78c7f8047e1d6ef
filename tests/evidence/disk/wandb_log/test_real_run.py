"""Logs that the installed SDK writes now: what was logged comes back, and wandb's own reader agrees."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.disk.wandb_log.reader import read_wandb_log
from harness.evidence.models.wandb_log import LocalLog
from tests.in_ci import real_part

SCRIPT = """
import math, os, sys, wandb
run = wandb.init(project="p", name="n", tags=["t"], config={"lr": 0.1, "deep": {"er": [1, 2]}})
for step in range(400):
    row = {"loss": 1 / (step + 1), "acc": math.nan if step == 7 else step / 400}
    if step % 50 == 49:
        row |= {"val": step, "nest": {"a": {"b": step}}}
    run.log(row)
print("last words", flush=True)
if sys.argv[1] == "killed":
    os._exit(9)
run.finish(exit_code=int(sys.argv[1]))
"""


def run_sdk(folder: Path, ending: str) -> Path:
    """Run the script offline; return its run directory."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    environment |= {"WANDB_MODE": "offline", "WANDB_DIR": str(folder), "HOME": str(folder), "WANDB_SILENT": "true"}
    command = [sys.executable, "-c", SCRIPT, ending]
    subprocess.run(command, cwd=folder, env=environment, timeout=60, check=False, capture_output=True)
    (directory,) = folder.glob("wandb/offline-run-*")
    return directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_sdk(tmp_path_factory.mktemp("run"), "3")


@pytest.fixture
def log(directory: Path) -> LocalLog:
    (path,) = directory.glob("*.wandb")
    return read_wandb_log(path)


@real_part
def test_what_was_logged_comes_back(log: LocalLog) -> None:
    assert (log.status, log.exit_code, log.problems) == ("complete", 3, ())
    assert (log.history_rows, log.first_step, log.last_step) == (400, 0, 399)
    loss, acc, val, nest = (log.series[key] for key in ("loss", "acc", "val", "nest.a.b"))
    assert (loss.count, loss.first, loss.last, loss.min, loss.max) == (400, 1, 1 / 400, 1 / 400, 1)
    assert (acc.count_non_finite, acc.first_non_finite_step, acc.max) == (1, 7, 399 / 400)
    assert [step for step, _ in val.sketch] == list(range(49, 400, 50))
    assert (nest.count, nest.last) == (8, 399)
    assert log.config == {"lr": 0.1, "deep.er": [1, 2]}
    assert log.run is not None
    assert (log.run.display_name, log.run.project, log.run.tags) == ("n", "p", ("t",))
    assert log.environment is not None
    assert log.environment.python.endswith(".".join(map(str, sys.version_info[:3])))
    assert log.console_lines


@pytest.mark.slow
def test_a_killed_run_has_no_exit_record(tmp_path: Path) -> None:
    (path,) = run_sdk(tmp_path, "killed").glob("*.wandb")
    log = read_wandb_log(path)
    assert (log.has_exit, log.exit_code) == (False, None)
    # How much was written depends on whether wandb-core was backed up and put its records on disk.
    assert log.status in ("header_only", "torn", "no_exit_record")
    assert log.history_rows <= 400
    assert log.last_step == (log.history_rows - 1 if log.history_rows else None)


def flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for part, inner in value.items():
            yield from flat(inner, f"{key}.{part}" if key else part)
    else:
        yield key, value


@pytest.mark.slow
def test_wandb_reads_the_same(directory: Path, log: LocalLog) -> None:
    wandb = Path(sys.executable).parent / "wandb"
    command = [str(wandb), "leet", "inspect", str(directory), "--summary", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 2:
        pytest.skip("this version of wandb has no `leet inspect`")
    told = json.loads(done.stdout)
    assert log.run is not None
    assert told["run_id"] == log.run.run_id
    assert told["step"] == log.last_step
    assert told["exit_code"] == log.exit_code
    assert told["console_lines"] == log.console_lines
    assert len(told["console"]) == log.console_lines
    assert dict(flat(told["config"])) == log.config
    ours = {key: value for key, value in log.summary.items() if not key.startswith("_wandb.")}
    assert dict(flat(told["summary"])) == ours
    assert not math.isnan(float(ours["loss"]))  # type: ignore[arg-type]  # a number, as was just compared
