"""A requeue that is rehearsed on the real Slurm: of scripts that go on, and of such as are wrong in one way."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.in_ci import first_in_ci
from tests.repository import REPOSITORY
from tests.slurm.daemons import wait_until
from tests.slurm.playing import STANDINS, Outcome, Player
from tests.verification.rehearsal.twelve import CONTEXT, TWELVE, Script

BATCH = """#!/bin/bash
#SBATCH --partition=small-g --nodes=1 --ntasks={ranks} --mem=1G --time=5
#SBATCH --output=out-%j.txt --open-mode=append
#SBATCH {requeue}
srun {python} train.py
"""
NODE_FAILS = """#!{python}
import os, signal, subprocess, sys
sys.path.insert(0, {clone!r})
from tests.slurm.daemons import belonging
if sys.argv[1] == "requeue":
    here, job = set(belonging(os.environ["SLURM_CONF"])), sys.argv[2]
    node = subprocess.run(["squeue", "-h", "-j", job, "-o", "%N"], capture_output=True, text=True).stdout.strip()
    own = here & set(belonging(f"SLURM_JOB_ID={{job}}"))
    above = [int(open(f"/proc/{{pid}}/stat").read().rpartition(")")[2].split()[1]) for pid in own]
    steps = {{pid for pid in above if open(f"/proc/{{pid}}/comm").read() == "slurmstepd\\n"}}
    for pid in [*(here & set(belonging(f"slurmd\\0-D\\0-N\\0{{node}}\\0"))), *steps, *own]:
        os.kill(pid, signal.SIGKILL)
    sys.argv[1:] = ["update", f"nodename={{node}}", "state=down", "reason=test"]
os.execv({scontrol!r}, ["scontrol", *sys.argv[1:]])
"""
"""In place of scontrol: the job's node is gone at once, with all that runs there."""


def rehearse(player: Player, text: str, ranks: int = 1, requeue: str = "--requeue") -> Outcome:
    """Rehearse a requeue, without the two minutes for which Slurm holds a requeued job back."""
    (player.work / "train.py").write_text(text)
    (player.work / "job.sh").write_text(BATCH.format(ranks=ranks, requeue=requeue, python=sys.executable))
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


@pytest.mark.parametrize("script", first_in_ci(TWELVE), ids=lambda script: script.name)
def test_a_script_is_judged_right(player: Player, script: Script) -> None:
    seen = rehearse(player, script.text, script.ranks)
    assert seen.cause == script.cause_of_requeue, seen.out
    assert seen.code == (1 if script.cause_of_requeue else 0), seen.out
    if not script.cause_of_requeue:
        assert case_of(seen)["text"] == "the second start continued the run: 6 of 6 rows, none twice"
    assert "three starts, each billed" in seen.out
    assert not player.jobs()


@pytest.mark.thorough
def test_a_script_goes_on_after_its_node_has_failed(player: Player) -> None:
    """Slurm gives the job another node, and nothing of the first start was told."""
    commands = player.root / "commands"
    commands.mkdir()
    standin = commands / "scontrol"
    standin.write_text(
        NODE_FAILS.format(python=sys.executable, clone=str(REPOSITORY), scontrol=shutil.which("scontrol"))
    )
    standin.chmod(0o755)
    player.env["PATH"] = f"{commands}:{STANDINS}:{player.lab.env['PATH']}"
    try:
        seen = rehearse(player, CONTEXT)
    finally:
        for name in player.lab.at.nodes:
            if not player.lab.daemons[name].alive():
                player.lab.start_node(name)
    assert seen.code == 0, seen.out
    assert case_of(seen)["text"] == "the second start continued the run: 6 of 6 rows, none twice"


@pytest.mark.thorough
def test_a_job_that_slurm_does_not_requeue_is_not_checked(player: Player) -> None:
    seen = rehearse(player, CONTEXT, requeue="--no-requeue")
    assert seen.code == 10, seen.out
    assert case_of(seen)["outcome"] == "not_checked"
    assert "reh-no-requeue" in [f["id"] for f in seen.verdict["findings"]]
