"""Scenarios about duplicate runs: ranks, nodes, restarts and worker processes that each make a run."""

from tests.faults.healthy import earlier_runs
from tests.faults.scenario import Scenario, init_job

EVERY_RANK = "if True:"
MORE_THAN_ONE = ("test_exactly_one_run",)

TWO_NODES = """
node = rank // 2
os.environ.update(SLURM_JOB_ID="77", SLURM_NNODES="2", SLURM_NODEID=str(node), SLURM_LOCALID=str(rank % 2))
os.environ.update(WANDB_HOST=f"nid00500{node}", LOCAL_RANK=str(rank % 2))
import socket; socket.gethostname = lambda: f"nid00500{node}"
"""
"""Ranks 0 and 1 on one node, 2 and 3 on another, as far as the SDK can tell."""

PLAIN_SRUN = """
os.environ.update(SLURM_JOB_ID="77", SLURM_PROCID=str(rank), SLURM_LOCALID=str(local_rank), SLURM_NTASKS=str(world))
del os.environ["RANK"]
rank = int(os.environ.get("RANK", 0))
"""

RESTARTED = """
import subprocess
if "SLURM_RESTART_COUNT" not in os.environ:
    for count in "01":
        env = {**os.environ, "SLURM_JOB_ID": "77", "SLURM_RESTART_COUNT": count}
        subprocess.run([sys.executable, __file__], env=env)
    sys.exit(0)
def lost_node(run):
    run.log(epoch(0)); time.sleep(2); os.kill(os.getpid(), 9)
"""
"""The first start is killed, as when its node fails; the second goes through."""

SPAWNED = """
import multiprocessing, wandb
run = wandb.init(project="scenario", config=CONFIG, settings=wandb.Settings(x_stats_sampling_interval=0.5))
def load(worker):
    time.sleep(0.5)
if __name__ == "__main__":
    workers = [multiprocessing.get_context("spawn").Process(target=load, args=(n,)) for n in range(2)]
    for worker in workers: worker.start()
    train(run)
    for worker in workers: worker.join()
    run.finish()
"""

SHARED = """
import wandb
settings = wandb.Settings(x_primary=rank == 0, x_label=f"rank{rank}", x_stats_sampling_interval=0.5)
run = wandb.init(id="shared1", project="scenario", mode="shared", config=CONFIG, settings=settings)
if rank == 0:
    train(run)
else:
    time.sleep(1.5)
run.finish()
"""

PRIMARIES = """
import wandb
settings = wandb.Settings(x_primary=True, x_label=f"rank{rank}", x_stats_sampling_interval=0.5)
time.sleep(1.2 * rank)  # directories are named by the second: two of the same would be one
run = wandb.init(id="shared2", project="scenario", mode="shared", config=CONFIG, settings=settings)
train(run)
run.finish()
"""
FOLDS = """
import wandb
for fold in range(2):
    run = wandb.init(project="scenario", group="folds", config=CONFIG,
                     settings=wandb.Settings(x_stats_sampling_interval=0.5))
    train(run); run.finish()
"""

AGAIN = """
import wandb
for first, last, code in ((0, 6, 1), (6, 9, 0)):
    run = wandb.init(project="scenario", config=CONFIG, id="exp42",
                     settings=wandb.Settings(x_stats_sampling_interval=0.5))
    for e in range(first, last): run.log(epoch(e)); time.sleep(0.4)
    run.finish(exit_code=code)
"""
KILLED_AND_AGAIN = """
import subprocess, wandb
if "START" not in os.environ:
    for start in "01":
        subprocess.run([sys.executable, __file__], env={**os.environ, "START": start})
    sys.exit(0)
run = wandb.init(project="scenario", config=CONFIG, settings=wandb.Settings(x_stats_sampling_interval=0.5))
for e in range(5):
    run.log(epoch(e)); time.sleep(0.5)
    if os.environ["START"] == "0" and e == 2: os.kill(os.getpid(), 9)
run.finish()
"""
RESUMED_TWICE = """
import wandb
for start in range(2):
    run = wandb.init(project="scenario", config=CONFIG, id="resumed", resume="allow",
                     settings=wandb.Settings(x_stats_sampling_interval=0.5))
    train(run); run.finish()
"""

SCENARIOS = (
    Scenario(
        name="every-rank", expect="dup-one-run-per-rank", job=init_job(guard=EVERY_RANK), nproc=3, failed=MORE_THAN_ONE
    ),
    Scenario(
        name="every-rank-0.19.5",
        expect="dup-one-run-per-rank",
        job=init_job(guard=EVERY_RANK),
        nproc=2,
        sdk="0.19.5",
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="every-rank-one-logs",
        expect="dup-one-run-per-rank",
        job=init_job(guard=EVERY_RANK, train="train(run) if rank == 0 else time.sleep(2); run.finish()"),
        nproc=2,
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="every-rank-offline",
        expect="dup-one-run-per-rank",
        job=init_job(guard=EVERY_RANK),
        nproc=2,
        options=("--offline",),
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="two-of-three-ranks",
        expect="dup-one-run-per-rank",
        job=init_job(guard="if rank < 2:"),
        nproc=3,
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="one-run-for-each-node",
        expect="dup-one-run-per-node",
        job=init_job(before=TWO_NODES, guard='if os.environ["LOCAL_RANK"] == "0":'),
        nproc=4,
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="rank-not-set",
        expect="dup-rank-unset-srun",
        job=init_job(
            before='os.environ["SLURM_PROCID"] = os.environ.pop("RANK")', guard='if int(os.environ["RANK"]) == 0:'
        ),
        nproc=2,
        failed=("test_init_succeeded",),
    ),
    Scenario(
        name="rank-defaults-to-zero",
        expect="dup-rank-unset-srun",
        job=init_job(before=PLAIN_SRUN),
        nproc=2,
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="same-id-on-every-rank",
        expect="dup-same-id-all-ranks",
        env={"WANDB_RUN_ID": "samerun"},
        job=init_job(guard=EVERY_RANK),
        nproc=3,
        failed=MORE_THAN_ONE,
    ),
    Scenario(
        name="same-id-on-every-rank-offline",
        expect="dup-same-id-all-ranks",
        env={"WANDB_RUN_ID": "samerun"},
        job=init_job(guard=EVERY_RANK),
        options=("--offline",),
        nproc=3,
    ),
    Scenario(
        name="requeued",
        expect="dup-requeue-new-run",
        job=init_job(
            before=RESTARTED,
            train='lost_node(run) if os.environ["SLURM_RESTART_COUNT"] == "0" else train(run); run.finish()',
        ),
        failed=MORE_THAN_ONE,
    ),
    Scenario(name="workers-import-the-script", expect="dup-dataloader-spawn", job=SPAWNED, failed=MORE_THAN_ONE),
    Scenario(name="ok-every-rank-in-a-group", job=init_job('group="mine"', guard=EVERY_RANK), nproc=2),
    Scenario(name="shared-mode", expect="dup-shared-mode-legit", kind="info", job=SHARED, nproc=2),
    Scenario(name="two-primaries", expect="dup-shared-two-primaries", kind="warning", job=PRIMARIES, nproc=2),
    Scenario(name="same-id-again", expect="dup-restart-without-resume", job=AGAIN),
    Scenario(
        name="killed-and-started-again",
        expect="dup-restart-without-resume",
        also=frozenset({"end-lost-local-buffer"}),
        env={"WANDB_RUN_ID": "exp43"},
        job=KILLED_AND_AGAIN,
    ),
    Scenario(
        name="same-id-as-an-earlier-job",
        expect="dup-restart-without-resume",
        job=init_job('id="exp44"'),
        hook=earlier_runs(count=1, run_id="exp44"),
        failed=("test_steps_increase",),
    ),
    Scenario(name="ok-resumed-in-one-process", job=RESUMED_TWICE),
    Scenario(name="ok-folds-in-a-group", job=FOLDS),
)
