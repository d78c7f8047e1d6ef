"""`--try-cure` on a job that goes offline by its own argument: the copy passes, the script stays as it was."""

import json
import subprocess
import sys

import pytest

from tests.faults.run import clean_environment
from tests.repository import REPOSITORY

SCRIPT = """
import time, wandb
run = wandb.init(project="p", mode="offline", config={"lr": 1}, settings=wandb.Settings(x_stats_sampling_interval=0.5))
for e in range(3):
    print(f"Epoch {e + 1}, Loss: {1 / (e + 1)}", flush=True)
    run.log({"loss": 1 / (e + 1), "acc": e}); time.sleep(0.5)
run.finish()
"""


@pytest.mark.slow
def test_a_cure_is_tried_on_a_copy(tmp_path):
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    (work / "train.py").write_text(SCRIPT)
    env = {**clean_environment(), "HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    command = ["-m", "harness", "check", "--job", "train.py", "--nproc", "1", "--report", "report", "--try-cure"]
    done = subprocess.run(
        [sys.executable, *command], cwd=work, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    verdict = json.loads((work / "report" / "verdict.json").read_text())
    assert (verdict["root_cause"], verdict["findings"][0]["cure"]["tried"]) == ("mode-env-offline", True), done.stdout
    assert "tried: with it, the verification passes" in done.stdout
    assert json.loads((work / "report" / "tried-1" / "verdict.json").read_text())["verdict"] == "passed"
    assert (work / "train.py").read_text() == SCRIPT
    assert "-run = wandb.init" in (work / "report" / "cure.patch").read_text()
    assert done.returncode == 1
