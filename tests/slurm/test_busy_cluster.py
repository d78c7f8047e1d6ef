"""A busy cluster: neighbours of the same user, arrays, steps, requeues, and jobs that were submitted by hand."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from tests.slurm.daemons import wait_until
from tests.slurm.playing import TRAIN, Outcome, Player

RANKS = f"{sys.executable} {TRAIN} --epochs 4 --pause 0.3"
"""A job of the user's own, one rank."""


def fine(seen: Outcome, runs: int = 1) -> None:
    """It passed, with so many runs, and no warning was given."""
    assert seen.code == 0, seen.out
    assert len(seen.verdict["runs"]) == runs, seen.out
    assert [f["id"] for f in seen.verdict["findings"] if f["severity"] != "info"] == [], seen.out


def errors(seen: Outcome) -> list[str]:
    """The errors that were found."""
    return [f["id"] for f in seen.verdict["findings"] if f["severity"] == "error"]


def test_attach_to_a_job_with_a_project_of_its_own(player: Player) -> None:
    job = player.submit(f"{RANKS} --project vit")
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


NEIGHBOURS = {
    "same-time": (f"{RANKS} --project vit", f"{RANKS} --project vit"),
    "srun": (f"srun {RANKS} --project vit", f"srun {RANKS} --project vit"),
    "longer": (f"{RANKS} --project vit", f"{RANKS} --project vit --min-seconds 12"),
    "earlier": (f"sleep 3; {RANKS} --project vit", f"{RANKS} --project vit"),
}


@pytest.mark.parametrize("which", NEIGHBOURS)
def test_a_neighbour_with_the_same_names(player: Player, which: str) -> None:
    mine, theirs = NEIGHBOURS[which]
    jobs = [player.submit(theirs, "--job-name=train"), player.submit(mine, "--job-name=train")]
    player.ended(*jobs)
    for job in reversed(jobs):
        fine(player.verify("--lumi-attach", job, report=f"report-{job}"))


def test_the_later_of_two_jobs_with_the_same_names(player: Player) -> None:
    first = player.submit(f"{RANKS} --project vit")
    second = player.submit(f"{RANKS} --project vit", f"--dependency=afterany:{first}")
    player.ended(first, second)
    fine(player.verify("--lumi-attach", second))
    fine(player.verify("--lumi-attach", first, report="first"))


def test_each_task_of_an_array_is_a_job(player: Player) -> None:
    job = player.submit(f"{RANKS} --project vit", "--array=1-2")
    player.ended(job)
    fine(player.verify("--lumi-attach", f"{job}_1"))
    seen = player.verify("--lumi-attach", job, report="whole")
    assert seen.code == 0, seen.out
    assert f"{job}_1: passed" in seen.out
    assert f"{job}_2: passed" in seen.out


def test_two_steps_side_by_side_make_a_run_each(player: Player) -> None:
    job = player.submit(f"srun -n1 --overlap {RANKS} &\nsrun -n1 --overlap {RANKS} &\nwait", "-n2")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    fine(seen, runs=2)
    fine(player.verify("--lumi-attach", f"{job}.0", report="step"))


RESUMES = """
import os, sys, time, wandb
run = wandb.init(project="vit", id=os.environ["SLURM_JOB_ID"], resume="allow")
for e in range(run.step, 6):
    run.log({"loss": 2.0 / (e + 1), "acc": 30.0 + 10 * e}); time.sleep(1)
run.finish()
"""


def requeue(player: Player, job: str, word: str = "Epoch 3") -> None:
    """Requeue the job once it has got so far, and send it off again without Slurm's pause."""
    output = player.work / f"slurm-{job}.out"
    wait_until(word, lambda: output.exists() and word in output.read_text(), 60, 0.3)
    assert player.lab.run("scontrol", "requeue", job).returncode == 0
    wait_until("requeued", lambda: "Restarts=1" in player.lab.say("scontrol", "show", "job", job), 30, 0.3)
    wait_until("waits", lambda: "JobState=PENDING" in player.lab.say("scontrol", "show", "job", job), 60, 0.3)
    time.sleep(8)  # sent off while the first attempt still ends, it would be taken for that one
    player.lab.run("scontrol", "update", f"jobid={job}", "StartTime=now")


@pytest.mark.parametrize("mode", ["append", "truncate"])
def test_requeued_and_resumed_as_it_should_be(player: Player, mode: str) -> None:
    (player.work / "train.py").write_text(RESUMES)
    job = player.submit(f"srun {sys.executable} train.py", "--requeue", f"--open-mode={mode}")
    requeue(player, job)
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


@pytest.mark.parametrize("mode", ["append", "truncate"])
def test_requeue_that_makes_a_second_run(player: Player, mode: str) -> None:
    (player.work / "train.py").write_text(RESUMES.replace(', id=os.environ["SLURM_JOB_ID"], resume="allow"', ""))
    job = player.submit(f"srun {sys.executable} train.py", "--requeue", f"--open-mode={mode}")
    requeue(player, job)
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "dup-requeue-new-run", seen.out


def test_export_none_without_a_key(player: Player) -> None:
    job = player.submit(RANKS, "--export=NONE")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "auth-no-key", seen.out
    assert "submitted with --export=NONE" in " ".join(seen.verdict["findings"][0]["observed"])


def test_rank_1_fails_and_srun_ends_rank_0(player: Player) -> None:
    (player.work / "train.py").write_text(
        "import os, sys, time\nif os.environ['SLURM_PROCID'] == '1':\n    time.sleep(4); sys.exit(3)\nimport wandb\n"
        "run = wandb.init(project='vit')\nfor e in range(60):\n"
        "        "    run.log({'loss': 1 / (e + 1)}); time.sleep(0.5)\n"
    )
    job = player.submit(f"srun --kill-on-bad-exit=1 {sys.executable} train.py", "-n2")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "end-failed-exitcode", seen.out
    assert "task 1: Exited with exit code 3" in seen.verdict["findings"][0]["observed"][0], seen.out


@pytest.mark.parametrize("order", ["appended", "overwritten"])
def test_output_that_two_jobs_share(player: Player, order: str) -> None:
    """An earlier job's traceback stands in the file before this job's output, or a later job's in its place."""
    mode = f"--open-mode={'append' if order == 'appended' else 'truncate'}"
    bad = f"{sys.executable} -c 'raise ValueError(\"somebody else\")'"
    options = ("--output=train.out", mode)
    bodies = (bad, f"{RANKS} --project vit") if order == "appended" else (f"{RANKS} --project vit", bad)
    first = player.submit(bodies[0], *options)
    second = player.submit(bodies[1], *options, f"--dependency=afterany:{first}")
    player.ended(first, second)
    seen = player.verify("--lumi-attach", second if order == "appended" else first)
    assert seen.code == 0, seen.out
    assert "somebody else" not in str(seen.verdict)


def test_a_job_that_only_accounting_knows(player: Player) -> None:
    """The controller forgets a job after some minutes; its output lies in the folder."""
    job = player.submit(f"{RANKS} --project vit; echo the last line; exit 7")
    player.ended(job)
    folder = player.root / "home/bin"
    folder.mkdir()
    for name in ("squeue", "scontrol"):
        (folder / name).write_text("#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2\nexit 1\n")
        (folder / name).chmod(0o755)
    player.env["PATH"] = f"{folder}:{player.settle()['PATH']}"
    seen = player.verify("--lumi-attach", job)
    assert "the last line" in seen.log
    assert seen.evidence["job"]["output"]["epochs"], seen.out
    assert seen.slurm["final_state"] == "FAILED"


def test_a_strangers_run_in_the_temporary_folder(player: Player) -> None:
    """Somebody else's run appears in $TMPDIR/wandb while the job runs."""
    shared = player.lab.root / "tmp"
    job = player.submit(f"{RANKS} --project vit --min-seconds 6")
    other = player.submit(
        f"{RANKS} --project other", name="other.sh", WANDB_DIR=str(shared), WANDB_MODE="offline", WANDB_SILENT="true"
    )
    player.ended(job, other)
    try:
        fine(player.verify("--lumi-attach", job))
    finally:
        shutil.rmtree(shared / "wandb", ignore_errors=True)
