"""Two things true at once, on a busy cluster: each is judged as if the other were not there."""

from __future__ import annotations

import sys

import pytest

from tests.slurm.daemons import wait_until
from tests.slurm.playing import Outcome, Player
from tests.slurm.test_busy_cluster import RANKS, RESUMES, WORLD, errors, fine, requeue

pytestmark = pytest.mark.thorough
BAD = f"{sys.executable} -c 'raise ValueError(\"lr must be positive\")'"
ONE = f"{RANKS} --project vit"


def observed(seen: Outcome) -> str:
    """What was seen of the root cause."""
    (found,) = [f for f in seen.verdict["findings"] if f["id"] == seen.cause]
    return " ".join(found["observed"])


def in_place_of(player: Player, name: str, body: str) -> None:
    """Put a program of that name before Slurm's."""
    folder = player.root / "home/bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)
    player.env["PATH"] = f"{folder}:{player.settle()['PATH']}"


def test_a_requeue_beside_a_neighbour(player: Player) -> None:
    """Expected: passed, one run; the neighbour, with the same names, passes too."""
    (player.work / "train.py").write_text(RESUMES)
    job = player.submit(f"srun {sys.executable} train.py", "--requeue", "--job-name=train")
    other = player.submit(f"{ONE} --min-seconds 25", "--job-name=train", name="other.sh")
    requeue(player, job)
    player.ended(job, other)
    fine(player.verify("--lumi-attach", job))
    fine(player.verify("--lumi-attach", other, report="other"))


def test_an_array_with_a_task_that_fails(player: Player) -> None:
    """Expected: exit 1, a line for each task; the good task alone passes."""
    job = player.submit(f"if [ $SLURM_ARRAY_TASK_ID = 2 ]; then {BAD}; else {ONE}; fi", "--array=1-3")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 1, seen.out
    lines = dict(line.split(": ", 1) for line in seen.out.splitlines() if line.startswith(f"{job}_"))
    assert lines[f"{job}_1"].startswith("passed"), seen.out
    assert lines[f"{job}_2"].startswith("failed"), seen.out
    assert lines[f"{job}_3"].startswith("passed"), seen.out
    fine(player.verify("--lumi-attach", f"{job}_3", report="third"))


def test_a_preparing_step_and_a_rank_that_fails(player: Player) -> None:
    """Expected: the rank's exit code, not the step before it."""
    (player.work / "train.py").write_text(
        "import os, sys, time\nif os.environ['SLURM_PROCID'] == '1':\n    time.sleep(4); sys.exit(3)\nimport wandb\n"
        "run = wandb.init(project='vit')\nfor e in range(60):\n    run.log({'loss': 1 / (e + 1)}); time.sleep(0.5)\n"
    )
    body = f"srun -n1 sh -c 'echo ready; exit 0'\nsrun -n2 --kill-on-bad-exit=1 {sys.executable} train.py"
    job = player.submit(body, "-n2")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "end-failed-exitcode", seen.out
    assert "task 1: Exited with exit code 3" in observed(seen), seen.out


def test_export_none_and_offline(player: Player) -> None:
    """Expected: passed, judged on disk: an offline run needs no key."""
    job = player.submit(f"export WANDB_MODE=offline\n{ONE}", "--export=NONE")
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


def test_a_component_beside_one_that_fails(player: Player) -> None:
    """Expected: the component that trains passes alone, although both write to one file; the other one fails."""
    body = (
        "#SBATCH --ntasks=1\n#SBATCH hetjob\n"
        "#SBATCH --account=project_462000001 --partition=small-g --ntasks=1 --mem=1G\n"
        f"srun --het-group=0 {ONE} &\nsrun --het-group=1 {BAD} &\nwait"
    )
    job = player.submit(body)
    player.ended(job)
    fine(player.verify("--lumi-attach", f"{job}+0"))
    seen = player.verify("--lumi-attach", f"{job}+1", report="second")
    assert seen.code == 1, seen.out
    assert "lr must be positive" in observed(seen), seen.out


def test_a_second_run_after_a_requeue_and_an_output_that_is_not_its_own(player: Player) -> None:
    """Expected: the second run is found without the output, of which nobody can tell whose lines it has."""
    (player.work / "train.py").write_text(RESUMES.replace(', id=os.environ["SLURM_JOB_ID"], resume="allow"', ""))
    job = player.submit(f"srun {sys.executable} train.py", "--requeue", "--output=shared.out")
    later = player.submit(BAD, "--output=shared.out", f"--dependency=afterany:{job}", name="later.sh")
    requeue(player, job, name="shared.out")
    player.ended(job, later)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "dup-requeue-new-run", seen.out
    assert "lr must be positive" not in str(seen.verdict)


def test_a_list_with_blanks_a_job_twice_and_one_that_nobody_knows(player: Player) -> None:
    """Expected: a line for each once, exit 4 for the unknown one as nothing failed."""
    job = player.submit(ONE)
    player.ended(job)
    seen = player.verify("--lumi-attach", f"{job}, {job},99999999")
    lines = [line for line in seen.out.splitlines() if line.startswith((f"{job}:", "99999999:"))]
    assert len(lines) == 2, seen.out
    assert lines[0].startswith(f"{job}: passed"), seen.out
    assert "Slurm knows no job" in lines[1]
    assert seen.code == 4, seen.out


def test_accounting_that_is_hidden(player: Player) -> None:
    """Expected: passed by the controller's word, and told that accounting is not shown."""
    job = player.submit(ONE)
    player.ended(job)
    in_place_of(player, "sacct", "echo 'slurm_load_jobs error: Access/permission denied' >&2; exit 1")
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 0, seen.out
    assert any("PrivateData" in trouble["text"] for trouble in seen.slurm["troubles"]), seen.slurm["troubles"]


def test_accounting_that_does_not_answer(player: Player) -> None:
    """Expected: passed, and no more than twice the 30 s are waited for it."""
    job = player.submit(ONE)
    player.ended(job)
    in_place_of(player, "sacct", "exec sleep 120")
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 0, seen.out
    assert seen.seconds < 90


def test_steps_one_after_the_other_in_a_loop(player: Player) -> None:
    """Expected: passed, a run for each step."""
    job = player.submit(f"for seed in 1 2; do\n  srun -n1 {ONE} --name seed-$seed\ndone")
    player.ended(job)
    fine(player.verify("--lumi-attach", job), runs=2)


def test_a_function_that_starts_too_few_ranks(player: Player) -> None:
    """Expected: the ranks are counted as Slurm counts them, for the text of the script does not tell them."""
    (player.work / "train.py").write_text(WORLD)
    job = player.submit(f'train() {{\n  srun -n "$1" {sys.executable} train.py\n}}\ntrain 2', "-n4")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "job-world-size-mismatch", seen.out
    assert "with 2 ranks (Slurm counts 2 tasks in its step" in observed(seen), seen.out


def test_two_tasks_of_an_array_that_go_on_with_one_run(player: Player) -> None:
    """Expected: both pass, each by its own part of the run."""
    (player.work / "train.py").write_text(
        RESUMES.replace('os.environ["SLURM_JOB_ID"]', '"chain"').replace("step, 6)", "step, run.step + 3)")
    )
    job = player.submit(f"srun {sys.executable} train.py", "--array=1-2%1")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 0, seen.out


def test_module_purge_that_takes_the_key(player: Player) -> None:
    """Expected: no key in the job, it was there at the submission, and module purge is named."""
    purge = {"BASH_FUNC_module%%": "() { unset ${LAB_PURGED}; }", "LAB_PURGED": "WANDB_API_KEY"}
    job = player.submit(f"module purge\n{ONE}", **purge)
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "auth-no-key", seen.out
    assert "WANDB_API_KEY was set when the job was submitted." in observed(seen), seen.out
    assert "module purge" in observed(seen), seen.out


def test_a_preparing_step_that_fails_before_a_script_of_another_fault(player: Player) -> None:
    """Expected: the traceback that ended the job, not the exit code of the step before it."""
    job = player.submit(f"srun -n1 sh -c 'exit 5'\nsrun -n1 {BAD}")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause is not None, seen.out
    assert "lr must be positive" in observed(seen), seen.out


def test_a_job_that_is_cancelled_while_its_neighbour_goes_on(player: Player) -> None:
    """Expected: the cancelled one says so; the neighbour, still running, works so far."""
    job = player.submit(f"{ONE} --min-seconds 60", "--job-name=train")
    other = player.submit(f"{ONE} --min-seconds 60", "--job-name=train", name="other.sh")
    for name in (job, other):
        output = player.work / f"slurm-{name}.out"
        wait_until("trains", lambda output=output: output.exists() and "Epoch 2" in output.read_text(), 60, 0.3)
    player.lab.run("scancel", job)
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "job-preempted-cancelled", seen.out
    live = player.verify("--lumi-attach", other, report="other")
    assert (live.code, live.verdict["live"]) == (0, True), live.out
    assert errors(live) == []
