"""Scenarios of the family live: a job that is shown as running, and has broken."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from harness.loopback.faults import Fault
from tests.faults.scenario import PRELUDE, Scenario, Stage, init_job
from tests.targets.slurm.double import Double, shown

PROMPT = "x_file_stream_transmit_interval=1"
HANGS = init_job('id="hangs"', settings=PROMPT, train="train(run, 30, 0.1); time.sleep(900)")
GOES_ON = init_job('id="goes-on"', settings=PROMPT, train="train(run, 900, 0.2)")
CONFIG = {"learning_rate": 0.001, "architecture": "vit_b_16", "epochs": 3}
DIES = init_job('id="dies"', settings=PROMPT, train="train(run, 30, 0.3); time.sleep(900)")


def broken(job: str, wait_s: float, *, killed: bool) -> Callable[[Stage], contextlib.AbstractContextManager[None]]:
    """A job of the user's own that breaks once it has logged, so long before its run is looked at."""

    @contextlib.contextmanager
    def play(stage: Stage) -> Iterator[None]:
        script = stage.root / "breaks.py"
        script.write_text(PRELUDE + job)
        with subprocess.Popen([sys.executable, str(script)], cwd=stage.work, env=stage.env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:  # fmt: skip
            try:
                wanted = time.monotonic() + 60
                while time.monotonic() < wanted and not any(len(r.history) >= 25 for r in stage.server.store.runs()):
                    time.sleep(0.2)
                if killed:
                    process.kill()
                time.sleep(wait_s)
                yield
            finally:
                process.kill()

    return play


@contextlib.contextmanager
def one_node_silent(stage: Stage) -> Iterator[None]:
    """A run of two nodes in shared mode, on the server: the GPUs of one have rested for two minutes, and steps come."""
    now = time.time()
    begun = now - 600
    rows = [{"_step": n, "_timestamp": begun + 20 + n, "loss": 1 / (n + 1), "acc": n / 600} for n in range(578)]
    samples = []
    for at in range(15, 600, 15):
        sample: dict[str, float] = {"_runtime": at, "_timestamp": begun + at}
        for node in ("nid005000", "nid005001"):
            rests = node == "nid005001" and at > 480
            for n in range(8):
                values = {"gpu": 92.0 + (at + n) % 5, "powerWatts": 400.0, "temp": 55.0}
                told = {key: 0.0 if rests and key == "gpu" else value for key, value in values.items()}
                told |= {"memory": 40.0, "memoryAllocated": 60.0}
                sample |= {f"system.gpu.{n}.{key}/l:{node}": value for key, value in told.items()}
            host = {"cpu": 5.0, "memory_percent": 12.0, "disk.in": at, "disk.out": at, "network.sent": at * 1e3}
            sample |= {f"system.{key}/l:{node}": value for key, value in host.items()}
        samples.append(sample)
    stage.server.store.seed_run(
        "loopback", "scenario", "silent", state="running", config=CONFIG, history=rows, summary=rows[-1],
        events=samples, created_at=begun, heartbeat_at=now - 2,
    )  # fmt: skip
    yield


@contextlib.contextmanager
def in_a_job(stage: Stage, job: str) -> Iterator[subprocess.Popen[bytes]]:
    """A training of the user's own in a batch job that Slurm says runs, once it has logged 25 rows."""
    script, output = stage.root / "batch.py", stage.work / "slurm-4242.out"
    script.write_text(PRELUDE + job)
    double = Double(stage.root / "bin")
    double.says("squeue", {"out": "4242|RUNNING|N/A|1:00|1:00:00|nid005001|None\n"})
    places = {"StdOut": str(output), "StdErr": str(output), "WorkDir": str(stage.work), "StartTime": started()}
    double.says("scontrol", shown("RUNNING", **places))
    stage.env["PATH"] = f"{double.folder}:{stage.env['PATH']}"
    with output.open("wb") as printed, subprocess.Popen(
        [sys.executable, str(script)], cwd=stage.work, env=stage.env, stdout=printed, stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            wanted = time.monotonic() + 60
            while time.monotonic() < wanted and not any(len(r.history) >= 25 for r in stage.server.store.runs()):
                time.sleep(0.2)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def started() -> str:
    """When the job began, as Slurm writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S")


@contextlib.contextmanager
def only_its_process_is_killed(stage: Stage) -> Iterator[None]:
    """The process that logs is gone, with the SDK's; the batch script waits on."""
    with in_a_job(stage, DIES) as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        yield


@contextlib.contextmanager
def the_upload_is_cut_off(stage: Stage) -> Iterator[None]:
    """From some time on the server takes nothing more of the run, and the script logs on."""
    with in_a_job(stage, GOES_ON):
        stage.server.faults.add(Fault(path="file_stream", status=503))
        time.sleep(80)
        yield


def looked_at(run: str) -> tuple[str, ...]:
    """The options that judge the run by its path."""
    return ("--server", "real", "--run", f"loopback/scenario/{run}", "--expect-points", "1")


SCENARIOS = (
    Scenario(
        name="hangs-while-it-runs", expect="live-no-steps", hook=broken(HANGS, 80.0, killed=False),
        failed=("test_run_finished",), command=looked_at("hangs"),
    ),
    Scenario(
        name="killed-and-shown-as-running", expect="live-no-heartbeat", hook=broken(DIES, 80.0, killed=True),
        failed=("test_run_finished",), command=looked_at("dies"),
    ),
    Scenario(
        name="killed-while-slurm-says-running", expect="live-process-gone", hook=only_its_process_is_killed,
        failed=("test_run_finished",), command=("--lumi-attach", "4242", "--expect", "loss,acc"),
    ),
    Scenario(
        name="cut-off-while-it-logs-on", expect="live-not-uploaded", hook=the_upload_is_cut_off,
        failed=("test_run_finished",), command=("--lumi-attach", "4242", "--expect", "loss,acc"),
    ),
    Scenario(
        name="one-node-of-two-is-silent", expect="live-silent-gpus", hook=one_node_silent,
        failed=("test_run_finished",), command=looked_at("silent"),
    ),
)  # fmt: skip
