"""Jobs that are started more than once: preempted, sent back by their own signal, or followed by a job of a chain."""

from __future__ import annotations

import sys
import time

import pytest

from tests.slurm.daemons import wait_until
from tests.slurm.playing import Player
from tests.slurm.test_busy_cluster import RESUMES, fine

PYTHON = sys.executable


def sent_off(player: Player, job: str) -> None:
    """Send a requeued job off without Slurm's pause, once its first attempt has left."""
    wait_until("waits", lambda: "JobState=PENDING" in player.lab.say("scontrol", "show", "job", job), 60, 0.3)
    assert "Restarts=1" in player.lab.say("scontrol", "show", "job", job)
    time.sleep(8)
    player.lab.run("scontrol", "update", f"jobid={job}", "StartTime=now")


@pytest.mark.thorough
def test_preempted_and_resumed(player: Player) -> None:
    """A job of higher priority takes the nodes; the one that gave way goes on with its run, and nothing is lost."""
    (player.work / "train.py").write_text(RESUMES)
    job = player.submit(f"srun {PYTHON} train.py", "--partition=idle-g", "--open-mode=append", "--nodelist=nid005000")
    output = player.work / f"slurm-{job}.out"
    wait_until("Epoch 3", lambda: output.exists() and "Epoch 3" in output.read_text(), 60, 0.3)
    over = player.submit("sleep 3", "--partition=standard-g", "--nodelist=nid005000", name="over.sh")
    sent_off(player, job)
    player.ended(job, over)
    seen = player.verify("--lumi-attach", job)
    fine(seen)
    first, last = seen.verdict["attempts"]
    assert (first["state"], first["nodes"], last["state"]) == ("PREEMPTED", ["nid005000"], "COMPLETED"), seen.out
    assert "attempt 1:" in seen.out
    assert "ended PREEMPTED" in seen.out


@pytest.mark.thorough
def test_a_job_that_its_signal_sends_back(player: Player) -> None:
    """`--signal=B:USR1@…` before the time limit, a trap that requeues, and the next attempt goes on."""
    # slurmctld looks at time limits twice a minute: the first attempt lasts until the signal surely came.
    pause = "time.sleep(1 if os.environ.get('SLURM_RESTART_COUNT', '0') != '0' else 8)"
    (player.work / "train.py").write_text(RESUMES.replace("time.sleep(1)", pause))
    body = f"trap 'scontrol requeue $SLURM_JOB_ID' USR1\nsrun {PYTHON} train.py &\nwait; wait"
    job = player.submit(body, "--signal=B:USR1@57", "--time=1", "--requeue", "--open-mode=append")
    wait_until("requeued", lambda: "Restarts=1" in player.lab.say("scontrol", "show", "job", job), 60, 0.3)
    sent_off(player, job)
    # The second attempt gets the signal too; what it still has to do is done before.
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert len(seen.verdict["attempts"]) > 1, seen.out
    assert seen.cause != "unknown", seen.out


@pytest.mark.thorough
def test_the_second_job_of_a_chain_tells_where_it_went_on(player: Player) -> None:
    chained = RESUMES.replace('os.environ["SLURM_JOB_ID"]', '"chain"').replace("step, 6)", "step, run.step + 3)")
    (player.work / "train.py").write_text(chained)
    first = player.submit(f"srun {PYTHON} train.py")
    second = player.submit(f"srun {PYTHON} train.py", f"--dependency=afterany:{first}")
    player.ended(first, second)
    seen = player.verify("--lumi-attach", second)
    fine(seen)
    (only,) = seen.verdict["attempts"]
    assert "went on with run chain of an earlier job, steps 3" in only["text"], seen.out
