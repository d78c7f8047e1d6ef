"""A busy cluster: neighbours of the same user, arrays, steps, requeues, and jobs that were submitted by hand."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from tests.in_ci import first_in_ci
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


@pytest.mark.thorough
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


@pytest.mark.parametrize("which", first_in_ci(NEIGHBOURS))
def test_a_neighbour_with_the_same_names(player: Player, which: str) -> None:
    mine, theirs = NEIGHBOURS[which]
    jobs = [player.submit(theirs, "--job-name=train"), player.submit(mine, "--job-name=train")]
    player.ended(*jobs)
    for job in reversed(jobs):
        fine(player.verify("--lumi-attach", job, report=f"report-{job}"))


@pytest.mark.thorough
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
    for step in ("0", "1"):  # the server lists both, whichever is asked for
        fine(player.verify("--lumi-attach", f"{job}.{step}", report=f"step-{step}"))


RESUMES = """
import os, sys, time, wandb
run = wandb.init(project="vit", id=os.environ["SLURM_JOB_ID"], resume="allow")
for e in range(run.step, 6):
    print(f"Epoch {e + 1}, Loss: {2.0 / (e + 1)}"); print(f"Accuracy: {30.0 + 10 * e}%", flush=True)
    run.log({"loss": 2.0 / (e + 1), "acc": 30.0 + 10 * e}); time.sleep(1)
run.finish()
"""


def requeue(player: Player, job: str, word: str = "Epoch 3", name: str = "slurm-{job}.out") -> None:
    """Requeue the job once it has got so far, and send it off again without Slurm's pause."""
    output = player.work / name.format(job=job)
    wait_until(word, lambda: output.exists() and word in output.read_text(), 60, 0.3)
    assert player.lab.run("scontrol", "requeue", job).returncode == 0
    wait_until("requeued", lambda: "Restarts=1" in player.lab.say("scontrol", "show", "job", job), 30, 0.3)
    wait_until("waits", lambda: "JobState=PENDING" in player.lab.say("scontrol", "show", "job", job), 60, 0.3)
    time.sleep(8)  # sent off while the first attempt still ends, it would be taken for that one
    player.lab.run("scontrol", "update", f"jobid={job}", "StartTime=now")


@pytest.mark.parametrize("mode", first_in_ci(["truncate", "append"]))
def test_requeued_and_resumed_as_it_should_be(player: Player, mode: str) -> None:
    (player.work / "train.py").write_text(RESUMES)
    job = player.submit(f"srun {sys.executable} train.py", "--requeue", f"--open-mode={mode}")
    requeue(player, job)
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


@pytest.mark.parametrize("mode", first_in_ci(["truncate", "append"]))
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
        "    print(f'Epoch {e + 1}, Loss: {1 / (e + 1)}', flush=True)\n"
        "    run.log({'loss': 1 / (e + 1)}); time.sleep(0.5)\n"
    )
    job = player.submit(f"srun --kill-on-bad-exit=1 {sys.executable} train.py", "-n2")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "end-failed-exitcode", seen.out
    assert "task 1: Exited with exit code 3" in seen.verdict["findings"][0]["observed"][0], seen.out


@pytest.mark.parametrize("order", first_in_ci(["appended", "overwritten"]))
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
    assert any("was also written by job" in t["text"] for t in seen.slurm["troubles"])
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


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_a_component_and_the_whole_of_a_heterogeneous_job(player: Player) -> None:
    body = (
        "#SBATCH --ntasks=1\n#SBATCH hetjob\n"
        "#SBATCH --account=project_462000001 --partition=small-g --ntasks=1 --mem=1G\n"
        f"srun --het-group=0 {RANKS} &\nsrun --het-group=1 {RANKS} &\nwait"
    )
    job = player.submit(body)
    player.ended(job)
    fine(player.verify("--lumi-attach", job), runs=2)
    for part in ("0", "1"):
        fine(player.verify("--lumi-attach", f"{job}+{part}", report=f"component-{part}"))


@pytest.mark.thorough
def test_an_array_that_the_harness_submits_carries_the_token_in_every_task(player: Player) -> None:
    script = player.work / "array.sh"
    script.write_text(
        f"#!/bin/bash\n#SBATCH --partition=small-g --mem=1G --array=1-2 --output=array-%a.out\n{RANKS} --project vit\n"
    )
    seen = player.verify("--job", str(script), report="work/.harness/first")
    fine(seen, runs=2)
    token = seen.evidence["request"]["token"]
    assert all(token in run["tags"] for run in seen.evidence["server"]["runs"])
    for task in ("1", "2"):  # the token alone does not tell them apart
        fine(player.verify("--lumi-attach", f"{seen.slurm['job_id']}_{task}", report=f"work/.harness/task-{task}"))


@pytest.mark.thorough
def test_several_jobs_have_a_line_each_and_one_exit_code(player: Player) -> None:
    good = player.submit(f"{RANKS} --project vit")
    bad = player.submit(f"{sys.executable} -c 'raise ValueError(1)'")
    player.ended(good, bad)
    seen = player.verify("--lumi-attach", f"{good},{bad},99999999")
    assert seen.code == 1, seen.out
    lines = seen.out.splitlines()
    assert lines[0].startswith(f"{good}: passed"), seen.out
    assert lines[1].startswith(f"{bad}: failed"), seen.out
    assert "99999999" in lines[2]
    assert "Slurm knows no job" in lines[2]


@pytest.mark.thorough
def test_a_preparing_step_makes_no_run(player: Player) -> None:
    job = player.submit(f"srun -n1 {sys.executable} -c 'print(\"data ready\")'\nsrun -n1 {RANKS} --project vit", "-n2")
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


@pytest.mark.thorough
def test_a_preparing_step_that_fails_does_not_hide_in_the_training(player: Player) -> None:
    """The batch script goes on after a step that failed, and ends well: Slurm's list of steps tells of it."""
    job = player.submit(f"srun -n1 {sys.executable} -c 'raise SystemExit(5)'\nsrun -n1 {RANKS} --project vit", "-n1")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 0, seen.out
    assert [s["state"] for s in seen.slurm["steps"] if s["id"].endswith(".0")] == ["FAILED"]


@pytest.mark.thorough
def test_several_programs_in_one_step(player: Player) -> None:
    (player.work / "programs").write_text(f"0 {RANKS} --project vit\n1 sleep 2\n")
    job = player.submit("srun --multi-prog programs", "-n2")
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


WORLD = """
import os
world = int(os.environ.get("SLURM_NTASKS", "1"))
assert world == 8, f"world size {world}, expected 8 ranks"
"""


@pytest.mark.thorough
def test_one_of_eight_ranks_was_started(player: Player) -> None:
    (player.work / "train.py").write_text(WORLD)
    job = player.submit(f"srun {sys.executable} train.py", "--gpus-per-node=8")  # --ntasks is left out
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "job-world-size-mismatch", seen.out
    assert "The job was started with 1 rank (srun: srun" in " ".join(seen.verdict["findings"][0]["observed"]), seen.out


CAUSES = {
    "not-found": ("srun nonesuch train.py", "job-command-not-started", "nonesuch: No such file or directory"),
    "not-found-in-bash": ("nonesuch train.py", "job-command-not-started", "nonesuch: command not found"),
    "not-executable": ("touch go; srun ./go", "job-command-not-started", "Permission denied"),
    "interpreter": (r"printf '#!/nope\n' > go; chmod +x go; srun ./go", "job-command-not-started", "bad interpreter"),
    "architecture": (
        r"printf '\177ELF\002\001\001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' > go; chmod +x go; srun ./go",
        "job-command-not-started",
        "Exec format error",
    ),
}


@pytest.mark.parametrize("which", first_in_ci(CAUSES))
def test_what_could_not_be_started_is_named(player: Player, which: str) -> None:
    body, cause, words = CAUSES[which]
    job = player.submit(body)
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == cause, seen.out
    assert words in " ".join(seen.verdict["findings"][0]["observed"]), seen.out


@pytest.mark.thorough
def test_a_run_that_the_next_job_of_a_chain_resumes(player: Player) -> None:
    (player.work / "train.py").write_text(
        RESUMES.replace('os.environ["SLURM_JOB_ID"]', '"chain"').replace("step, 6)", "step, run.step + 3)")
    )
    first = player.submit(f"srun {sys.executable} train.py")
    second = player.submit(f"srun {sys.executable} train.py", f"--dependency=afterany:{first}")
    player.ended(first, second)
    fine(player.verify("--lumi-attach", second))
    fine(player.verify("--lumi-attach", first, report="first"))


@pytest.mark.thorough
def test_env_i_keeps_the_key_out(player: Player) -> None:
    job = player.submit(f"srun env -i PATH=$PATH WANDB_BASE_URL=$WANDB_BASE_URL {RANKS}")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "auth-no-key", seen.out
    assert "submitted with env -i" in " ".join(seen.verdict["findings"][0]["observed"]), seen.out


@pytest.mark.thorough
def test_export_none_keeps_the_key_out_of_a_submitted_job(player: Player) -> None:
    script = player.work / "mine.sh"
    script.write_text(
        "#!/bin/bash\n#SBATCH --partition=small-g --mem=1G --export=NONE\n"
        f"export WANDB_BASE_URL={player.server.url}\n{RANKS}\n"
    )
    seen = player.verify("--job", str(script))
    assert seen.cause == "auth-no-key", seen.out
    assert "--export=NONE" in " ".join(seen.verdict["findings"][0]["observed"]), seen.out


@pytest.mark.thorough
def test_an_offline_job_is_judged_on_disk(player: Player) -> None:
    job = player.submit(f"export WANDB_MODE=offline\n{RANKS} --project vit")
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


@pytest.mark.thorough
def test_runs_in_a_folder_of_the_jobs_own(player: Player) -> None:
    (player.root / "scratch").mkdir()
    job = player.submit(f"export WANDB_DIR={player.root}/scratch WANDB_SILENT=true\n{RANKS} --project vit")
    player.ended(job)
    fine(player.verify("--lumi-attach", job))


@pytest.mark.thorough
def test_output_with_patterns_that_only_accounting_knows(player: Player) -> None:
    job = player.submit(f"{RANKS} --project vit", "--job-name=vit", "--output=logs-%x-%4j.txt")
    player.ended(job)
    folder = player.root / "home/bin"
    folder.mkdir()
    for name in ("squeue", "scontrol"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    player.env["PATH"] = f"{folder}:{player.settle()['PATH']}"
    seen = player.verify("--lumi-attach", job)
    assert seen.evidence["job"]["output"]["path"], seen.out
    fine(seen)


def names(player: Player) -> tuple[str, list[tuple[str, str]]]:
    """What a verification of the built-in job and of an own one came to, whatever their ids are."""
    options = ("--lumi-partition", "small-g", "--lumi-time", "10")  # thirteen jobs share this machine's cores
    built_in = player.verify(*options, report=f"built-in-{time.monotonic_ns()}", timeout_s=600)
    job = player.submit(f"{RANKS} --project vit", "--job-name=train")
    player.ended(job, timeout_s=180)
    attached = player.verify("--lumi-attach", job, report=f"own-{job}")
    said = [(seen.verdict["verdict"], str(seen.cause)) for seen in (built_in, attached)]
    return said[0][0], [*said, *sorted(built_in.outcomes().items()), *sorted(attached.outcomes().items())]


@pytest.mark.thorough
def test_twelve_neighbours_change_nothing(player: Player) -> None:
    """Jobs of the same user, names and project run all the time; five verdicts are as that of jobs alone."""
    verdict, alone = names(player)
    assert verdict == "passed"
    again = f"while :; do {RANKS} --project vit --min-seconds 60; done"
    others = [player.submit(again, "--job-name=train", "--time=60", name="other.sh") for _ in range(12)]

    def running() -> bool:
        return set(player.jobs()) == {f"{job} RUNNING" for job in others}

    wait_until("all twelve run", running, 60, 0.5)
    for _ in range(5):
        assert names(player)[1] == alone
        assert running(), "the twelve go on, and none of ours is left"
    made = {player.work.joinpath(f"slurm-{job}.out").read_text(errors="replace").count("View run") for job in others}
    assert min(made) > 0, "each of them made runs meanwhile"
