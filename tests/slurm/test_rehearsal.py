"""A requeue that is rehearsed on the real Slurm: of a script that goes on, and of one that begins a new run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.slurm.daemons import wait_until
from tests.slurm.playing import Outcome, Player

RIGHT = """
import json, os, signal, sys, time, wandb
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
settings = wandb.Settings(x_file_stream_transmit_interval=1)
named = dict(id=os.environ["SLURM_JOB_ID"], resume="allow")
checkpoint = Path("checkpoint.json")
first = json.loads(checkpoint.read_text()) + 1 if checkpoint.exists() else 0
with wandb.init(project="vit", settings=settings, **named) as run:
    for epoch in range(first, 8):
        print(f"Epoch {epoch + 1}, Loss: {1 / (epoch + 1)}", flush=True)
        run.log({"loss": 1 / (epoch + 1), "acc": 10.0 * epoch}, step=epoch)
        time.sleep(2.5)  # this Slurm's SIGTERM reaches wandb-core too: save only what it has uploaded
        checkpoint.write_text(json.dumps(epoch))
"""
BATCH = """#!/bin/bash
#SBATCH --partition=small-g --nodes=1 --ntasks=1 --mem=1G --time=5
#SBATCH --output=out-%j.txt
{more}
srun {python} train.py
"""


def rehearse(player: Player, text: str, more: str) -> Outcome:
    """Rehearse a requeue, without the two minutes for which Slurm holds a requeued job back."""
    (player.work / "train.py").write_text(text)
    (player.work / "job.sh").write_text(BATCH.format(more=more, python=sys.executable))
    process = player.start("--job", "job.sh", "--rehearse", "requeue")
    _send_off(player, process, player.root / "report" / "rehearsal")
    return player.outcome(process)


def _send_off(player: Player, process: subprocess.Popen[str], report: Path) -> None:
    def says(*words: str) -> bool:
        told = player.lab.say("scontrol", "show", "job", player.wait_for_job(process, str(report), 120))
        return process.poll() is not None or all(word in told for word in words)

    wait_until("requeued", lambda: says("Restarts=1", "JobState=PENDING"), 120, 0.3)
    if process.poll() is None:
        time.sleep(8)  # sent off while the first attempt still ends, it would be taken for that one
        job = player.wait_for_job(process, str(report))
        player.lab.run("scontrol", "update", f"jobid={job}", "StartTime=now")


def case_of(seen: Outcome) -> dict[str, object]:
    (case,) = seen.verdict["rehearsals"]
    return dict(case)


def test_a_script_that_goes_on_passes(player: Player) -> None:
    seen = rehearse(player, RIGHT, "#SBATCH --requeue --open-mode=append")
    assert seen.code == 0, seen.out
    assert case_of(seen)["text"] == "the second start continued the run: 8 of 8 rows, none twice"
    assert "three starts, each billed" in seen.out
    starts = (player.root / "report" / "rehearsal" / "job.log").read_text()
    assert starts.count("Epoch 1,") == 1
    assert not player.jobs()


@pytest.mark.thorough
def test_a_script_without_an_id_begins_a_new_run(player: Player) -> None:
    seen = rehearse(player, RIGHT.replace(", **named", ""), "#SBATCH --requeue")
    assert seen.cause == "reh-new-run", seen.out
    assert "reh-output-overwritten" in [f["id"] for f in seen.verdict["findings"]]


@pytest.mark.thorough
def test_a_job_that_slurm_does_not_requeue_is_not_checked(player: Player) -> None:
    seen = rehearse(player, RIGHT, "#SBATCH --no-requeue --open-mode=append")
    assert seen.code == 10, seen.out
    assert case_of(seen)["outcome"] == "not_checked"
    assert "reh-no-requeue" in [f["id"] for f in seen.verdict["findings"]]
