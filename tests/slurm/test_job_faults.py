"""Jobs that fail on the real Slurm: each gives its fault's id as root cause, with the words that Slurm printed."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.faults.scenario import PRELUDE, init_job
from tests.in_ci import first_in_ci
from tests.slurm.daemons import wait_until
from tests.slurm.playing import Outcome, Player

LONG = init_job(train="train(run, epochs=60, pause=1); run.finish()") + "time.sleep(60)\n"
STUCK = init_job(
    before="""
import signal

def to_core(name):
    os.system(f"pkill -{name} -P {os.getpid()} wandb-core")

def end(*_):
    to_core("KILL")
    os._exit(143)

signal.signal(signal.SIGTERM, end)
""",
    train="to_core('STOP'); train(run, epochs=2); time.sleep(60)",
)
"""Its wandb-core stands still, as on a file system that does: what was logged never gets to the disk."""
BATCH = "#!/bin/bash\n#SBATCH --partition=small-g --gpus-per-node=1 --ntasks=1 --output=mine-%j.out\n"

Act = Callable[[Player, str], None]
"""What happens to the job once it runs."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A job that comes to harm."""

    name: str
    cause: str
    words: str
    """What must stand among the observations."""
    job: str = ""
    """Body of a training script."""
    batch: str = ""
    """A batch script in place of it; {python} starts the training script in the container."""
    act: Act | None = None
    options: tuple[str, ...] = ()
    site: dict[str, object] = field(default_factory=dict)
    failed: str = "test_job_completed"
    state: str | None = None
    remark: str | None = None
    """What is said besides, as information."""


def cancel(player: Player, job: str) -> None:
    """Somebody cancels the job."""
    player.lab.run("scancel", job)


def shorten(player: Player, job: str) -> None:
    """The time limit comes nearer."""
    player.lab.run("scontrol", "update", f"jobid={job}", "EndTime=now+2")


def kill_node(player: Player, job: str) -> None:
    """The job's node dies."""
    node = player.lab.say("squeue", "-h", "-j", job, "-o", "%N").strip()
    player.lab.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")


def kill_node_and_go_on(player: Player, job: str) -> None:
    """The job's node dies; Slurm starts the job again on another one, here without the two minutes that it waits."""
    kill_node(player, job)

    def shown(*words: str) -> bool:
        told = player.lab.say("scontrol", "show", "job", job)
        return all(word in told for word in words)

    wait_until("requeued", lambda: shown("Restarts=1", "Reason=BeginTime"), 30, 0.3)
    time.sleep(
        8
    )  # sent off while the first attempt still ends (KillWait is 5 s), a job is "launch failed requeued held"
    player.lab.run("scontrol", "update", f"jobid={job}", "StartTime=now")
    wait_until("started again", lambda: shown("Restarts=1", "JobState=RUNNING"), 60, 0.5)


def forbid_requeue(player: Player, job: str) -> None:
    """Its node dies, and it may not start again."""
    player.lab.run("scontrol", "update", f"jobid={job}", "requeue=0")
    kill_node(player, job)


HOG = "import time\nhog = []\nfor _ in range(60):\n    hog.append(bytearray(64 << 20)); time.sleep(0.3)\n"
BARRIER = """
import datetime, torch, torch.distributed as dist
dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=6))
if rank == 0: time.sleep(30)
dist.barrier()
"""
IN_INIT = """
import datetime, torch, torch.distributed as dist, wandb
dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=20))
if rank == 0:
    os.environ["WANDB_BASE_URL"] = "http://127.0.0.1:9"
    wandb.init(project="scenario", settings=wandb.Settings(init_timeout=5))
dist.barrier()
"""
HUB = """
import torch
torch.hub.load_state_dict_from_url("http://127.0.0.1:9/vit_b_16.pth", progress=False)
"""
DATA = "open('../resources/train_images.hdf5')\n"

CASES = (
    Case(name="time-limit", cause="job-time-limit", words="DUE TO TIME LIMIT", job=LONG, act=shorten, state="TIMEOUT",
         remark="end-leftover-tmp"),
    Case(name="time-limit-before-the-disk", cause="job-time-limit", words="DUE TO TIME LIMIT", job=STUCK, act=shorten,
         state="TIMEOUT"),
    Case(name="cancelled", cause="job-preempted-cancelled", words="CANCELLED by 0", job=LONG, act=cancel,
         state="CANCELLED by 0"),
    Case(name="node-fails", cause="job-node-fail-requeue", words="NODE_FAIL", job=LONG, act=forbid_requeue,
         state="NODE_FAIL"),
    Case(name="out-of-memory", cause="job-oom", words="Exceeded job memory limit", job=HOG,
         batch=BATCH + "#SBATCH --mem=500M\nsrun {python}\n"),
    Case(name="image-missing-in-the-job", cause="job-sif-missing", words="could not open image", job="pass",
         batch=BATCH + "srun singularity run /appl/gone.sif python train.py\n"),
    Case(name="mount-fatal", cause="job-container-mount-fatal", words="container creation failed: mount", job="pass",
         site={"modules": ["export SINGULARITY_BIND=/var/spool/no-such-place"]}),
    Case(name="module-missing", cause="job-module-missing", words="lumi-aif-bindings", job="pass",
         batch=BATCH + "set -e\nmodule load lumi-aif-bindings\nsrun {python}\n"),
    Case(name="data-missing", cause="job-dataset-missing", words="train_images.hdf5", job=DATA),
    Case(name="weights", cause="job-weights-download-fails", words="URLError", job=HUB),
    Case(name="barrier", cause="job-rccl-timeout", words="Timed out waiting", job=BARRIER),
    Case(name="miopen", cause="job-miopen-sqlite", words="locking protocol",
         job="print('MIOpen Error: /src/sqlite_db.cpp:220: Internal error while accessing SQLite database: "
         "locking protocol'); sys.exit(1)\n"),
    Case(name="rccl-interface", cause="job-rccl-wrong-iface", words="No route to host",
         job="print('nid005001:1:2 [0] NCCL WARN Net : Connect to 10.120.24.10<52061> failed : No route to host'); "
         "sys.exit(1)\n"),
    Case(name="cpu-masks", cause="job-cpu-bind-mask", words="CPU binding outside", job="pass",
         batch=BATCH + "echo 'srun: error: CPU binding outside of job step allocation, allocated CPUs are: 0x00FE.'"
         " >&2; exit 1\n"),
    Case(name="driver", cause="job-gpu-driver-mismatch", words="No HIP GPUs",
         job="raise RuntimeError('No HIP GPUs are available')\n"),
    Case(name="exec-in-place-of-run", cause="job-exec-vs-run", words="invalid device ordinal",
         job="raise RuntimeError('HIP error: invalid device ordinal')\n",
         batch=BATCH + "srun singularity exec {image} python train.py\n"),
)  # fmt: skip


def play(player: Player, case: Case) -> Outcome:
    """Run a case as a user would."""
    player.site |= case.site
    script = player.work / "train.py"
    script.write_text(PRELUDE + case.job)
    if case.batch:
        inside = f"singularity run {player.container} python train.py"
        script = player.work / "mine.sh"
        script.write_text(case.batch.format(python=inside, image=player.container))
    process = player.start("--job", str(script), *case.options)
    if case.act:
        job = player.wait_for_job(process)
        log = player.root / "report/job.log"
        wait_until("trains", lambda: log.exists() and "Epoch 2" in log.read_text(errors="replace"), 60)
        case.act(player, job)
    return player.outcome(process)


@pytest.mark.parametrize("case", first_in_ci(CASES, most=6), ids=lambda c: c.name)
def test_fault_is_named(player: Player, case: Case) -> None:
    seen = play(player, case)
    assert seen.code == 1, seen.out
    assert seen.cause == case.cause, seen.out
    assert case.words in " ".join(seen.verdict["findings"][0]["observed"])
    assert case.failed in [n for n, o in seen.outcomes().items() if o == "failed"]
    if case.state:
        assert seen.slurm["final_state"] == case.state
    if case.remark:
        assert case.remark in [f["id"] for f in seen.verdict["findings"] if f["severity"] == "info"]
    errors = [f["id"] for f in seen.verdict["findings"] if f["severity"] == "error" and f["id"] != case.cause]
    assert not errors, seen.out


def test_port_in_use(player: Player) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        launch = (
            f"python -m torch.distributed.run --nproc-per-node=2 --master-addr=127.0.0.1 --master-port={port} train.py"
        )
        case = Case(name="port", cause="job-port-in-use", words=str(port), job="pass",
                    batch=BATCH + f"srun singularity run {{image}} {launch}\n")  # fmt: skip
        seen = play(player, case)
    assert seen.cause == "job-port-in-use", seen.out
    assert str(port) in " ".join(seen.verdict["findings"][0]["observed"])


def test_ranks_wait_for_rank_0_in_wandb_init(player: Player) -> None:
    seen = play(player, Case(name="init", cause="", words="", job=IN_INIT))
    assert seen.code == 1
    assert seen.cause.startswith(("init-", "net-")), seen.out


def test_one_rank_ends_badly(player: Player) -> None:
    body = "if rank == 1:\n    time.sleep(3); sys.exit(42)\n" + init_job(train="train(run, epochs=30); run.finish()")
    seen = play(player, Case(name="rank", cause="", words="", job=body, options=("--lumi-launcher", "srun")))
    assert seen.code == 1
    assert seen.slurm["final_state"] == "FAILED"
    assert seen.evidence["job"]["exit_code"] != 0
    assert "42" in seen.out, seen.out


def test_one_run_per_node_is_told_from_one_per_rank(player: Player) -> None:
    body = init_job(guard="if local_rank == 0:")
    seen = play(player, Case(name="per-node", cause="", words="", job=body, options=("--lumi-nodes", "2")))
    assert seen.cause == "dup-one-run-per-node", seen.out
    assert len(seen.verdict["runs"]) == 2


def test_a_waiting_job_that_somebody_cancels(player: Player) -> None:
    player.lab.run("sbatch", "-A", "project_462000001", "-p", "dev-g", "-o", "/dev/null", "--wrap", "sleep 120")
    (player.work / "train.py").write_text(PRELUDE + init_job())
    process = player.start("--job", str(player.work / "train.py"))
    player.lab.run("scancel", player.wait_for_job(process))
    seen = player.outcome(process)
    assert seen.cause == "job-preempted-cancelled", seen.out
    assert seen.outcomes()["test_job_started"] == "failed"


def test_requeue_keeps_the_output_and_the_id(player: Player) -> None:
    """The second attempt makes a second run: that is what the user must know; the dead node is only told of."""
    body = init_job(train="train(run, epochs=8, pause=1); run.finish()")
    seen = play(player, Case(name="requeue", cause="", words="", job=body, act=kill_node_and_go_on))
    assert seen.slurm["restarts"] == 1
    assert seen.slurm["final_state"] == "COMPLETED"
    assert "start 0" in seen.log
    assert "start 1" in seen.log
    assert seen.cause == "dup-requeue-new-run", seen.out


@pytest.mark.thorough
def test_controller_away_for_a_minute(player: Player) -> None:
    """It goes while the job runs and comes back when the job has long ended."""

    def blink() -> None:
        time.sleep(4)
        player.lab.daemons["slurmctld"].stop()
        time.sleep(60)
        player.lab.revive("slurmctld")

    thread = threading.Thread(target=blink)
    (player.work / "train.py").write_text(PRELUDE + init_job(train="train(run, epochs=20, pause=0.5); run.finish()"))
    process = player.start("--job", str(player.work / "train.py"))
    player.wait_for_job(process)
    thread.start()
    seen = player.outcome(process)
    thread.join()
    assert seen.code == 0, seen.out
    assert seen.slurm["final_state"] == "COMPLETED"


SACCT = {
    "lagging": "#!/bin/sh\nexit 0\n",
    "disabled": "#!/bin/sh\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n",
    "stale": "#!/bin/sh\necho '4242001|RUNNING|0:0|0:0|3|2026-01-01T00:00:00|Unknown|nid005000|a|dev-g|1|cpu=1|'\n",
}


@pytest.mark.parametrize("which", first_in_ci(SACCT))
def test_sacct_cannot_be_relied_on(player: Player, which: str) -> None:
    folder = player.root / "home/bin"
    folder.mkdir()
    (folder / "sacct").write_text(SACCT[which])
    (folder / "sacct").chmod(0o755)
    player.env["PATH"] = f"{folder}:{player.settle()['PATH']}"
    (player.work / "train.py").write_text(PRELUDE + init_job())
    seen = player.verify("--job", str(player.work / "train.py"))
    assert seen.code == 0, seen.out
    assert seen.slurm["final_state"] == "COMPLETED"


def test_no_key_means_no_job(player: Player) -> None:
    player.env["WANDB_API_KEY"] = ""
    (player.work / "train.py").write_text(PRELUDE + init_job())
    before = subprocess.run(
        ["sacct", "-n", "-X", "-S", "now-1hours"], env=player.lab.env, capture_output=True, text=True, check=True
    ).stdout
    seen = player.verify("--job", str(player.work / "train.py"))
    assert seen.cause == "auth-no-key", seen.out
    assert player.lab.say("sacct", "-n", "-X", "-S", "now-1hours") == before
