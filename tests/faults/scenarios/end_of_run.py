"""Scenarios about how a run ends: killed, terminated, never closed, failed, interrupted, or still under way."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from harness.loopback.faults import Fault
from tests.faults.scenario import PRELUDE, Scenario, Stage, edited, init_job

UNFINISHED = ("test_run_finished",)
LOST = frozenset({"end-lost-local-buffer", "end-last-15s-lost"})
PROMPT = "x_file_stream_transmit_interval=1"


def kill(signal: int) -> str:
    """Training that ends by a signal to its own process."""
    return f"train(run); os.kill(os.getpid(), {signal}); time.sleep(20)"


FORKED = """
import multiprocessing, wandb
def work():
    run = wandb.init(project="scenario", config=CONFIG, settings=wandb.Settings(x_stats_sampling_interval=0.5))
    train(run)
child = multiprocessing.get_context("fork").Process(target=work); child.start(); child.join()
"""
RAISES = 'run.log(epoch(0)); time.sleep(1); raise ValueError("bad batch")'
OTHER_RANK_RAISES = (
    init_job(train="train(run, 3, 1.0); time.sleep(20)") + "\nif rank: time.sleep(3); raise KeyError('lr')\n"
)
CHILD_FAILS = (
    "import subprocess\nif len(sys.argv) == 1: subprocess.run([sys.executable, __file__, 'train']); sys.exit()\n"
    + init_job(train="train(run); sys.exit(3)")
)
WAITS = init_job('id="alive"', train="train(run, 1, 0.1); time.sleep(120)", settings=PROMPT)


@contextlib.contextmanager
def alive(stage: Stage) -> Iterator[None]:
    """A job of the user's that still runs while its run is verified."""
    script = stage.root / "alive.py"
    script.write_text(PRELUDE + WAITS)
    with subprocess.Popen([sys.executable, str(script)], cwd=stage.work, env=stage.env, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as job:  # fmt: skip
        try:
            wanted = time.monotonic() + 30
            while time.monotonic() < wanted and not any(len(r.history) for r in stage.server.store.runs()):
                time.sleep(0.1)
            yield
        finally:
            job.kill()


@contextlib.contextmanager
def stopped_from_its_page(stage: Stage) -> Iterator[None]:
    """Somebody presses "Stop run" on the run's page, once it has a row."""
    store, over = stage.server.store, threading.Event()

    def press() -> None:
        while not over.wait(0.1):
            for run in store.runs():
                if run.history:
                    store.stop(run)
                    return

    with ThreadPoolExecutor(1) as somebody:
        somebody.submit(press)
        try:
            yield
        finally:
            over.set()


@contextlib.contextmanager
def killed_before(stage: Stage) -> Iterator[None]:
    """A job of the user's that was killed a while ago."""
    script = stage.root / "killed.py"
    script.write_text(PRELUDE + init_job('id="gone"', settings=PROMPT, train=f"time.sleep(1.2); {kill(9)}"))
    command = [sys.executable, str(script)]
    subprocess.run(command, cwd=stage.work, env=stage.env, timeout=60, check=False, capture_output=True)
    time.sleep(2.5)
    yield


KILL_CORE = """
import glob
def kill_core(signal):
    for name in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words, own = open(name).read().split("\\0"), open(name.replace("cmdline", "environ")).read()
        except OSError:
            continue
        if words[0].endswith("wandb-core") and f"HOME={os.environ['HOME']}" in own:
            os.kill(int(name.split("/")[2]), signal)
"""
ARTIFACT = """
    train(run); weights = wandb.Artifact("weights", type="model"); open("w.txt", "w").write("x")
    weights.add_file("w.txt"); run.log_artifact(weights); run.finish()
"""

SCENARIOS = (
    Scenario(
        name="killed", expect="end-crashed-heartbeat", job=init_job(train=kill(9)), failed=UNFINISHED, also=LOST
    ),
    Scenario(
        name="killed-0.19.5", expect="end-crashed-heartbeat", job=init_job(train=kill(9)), failed=UNFINISHED, also=LOST,
        sdk="0.19.5",
    ),
    Scenario(
        name="killed-late", expect="end-crashed-heartbeat", failed=UNFINISHED, also=LOST, nproc=2,
        job=init_job(settings=PROMPT, train=f"train(run); time.sleep(2.5); {kill(9).removeprefix('train(run); ')}"),
    ),
    Scenario(
        name="terminated", expect="end-sigterm-no-flush", job=init_job(train=kill(15)), failed=UNFINISHED, also=LOST,
    ),
    Scenario(
        name="left-by-os-exit", expect="end-no-finish-in-subproc", job=init_job(train="train(run); os._exit(0)"),
        failed=UNFINISHED, also=LOST,
    ),
    Scenario(name="forked-child", expect="end-no-finish-in-subproc", job=FORKED, failed=UNFINISHED, also=LOST),
    Scenario(
        name="killed-offline", expect="end-lost-local-buffer", job=init_job(train=kill(9)), options=("--offline",),
        failed=("test_nothing_was_lost",),
    ),
    Scenario(
        name="killed-offline-0.19.5", expect="end-lost-local-buffer", job=init_job(train=kill(15)),
        options=("--offline",), failed=("test_nothing_was_lost",), sdk="0.19.5",
    ),
    Scenario(
        name="left-by-os-exit-offline", expect="end-lost-local-buffer", options=("--offline",),
        job=init_job(train="train(run); os._exit(0)"), failed=("test_nothing_was_lost",),
    ),
    Scenario(
        name="script-fails", expect="end-failed-exitcode", job=init_job(train=RAISES),
        failed=("test_job_completed", "test_run_finished"), nproc=2,
        by_hand=(edited('raise ValueError("bad batch")', "train(run)"),),
    ),
    Scenario(
        name="offline-run-fails-in-a-job-that-does-not", expect="end-failed-exitcode", job=CHILD_FAILS,
        options=("--offline",), failed=UNFINISHED, by_hand=(edited(r"sys.exit(3)", "run.finish()"),),
    ),
    Scenario(
        name="script-fails-before-init", expect="end-failed-exitcode", job=init_job(before="import einops"),
        failed=("test_job_completed",),
        why_not=lambda: "einops is installed here" if find_spec("einops") else None,
    ),
    Scenario(
        name="other-rank-fails", expect="end-failed-exitcode", job=OTHER_RANK_RAISES, nproc=2,
        failed=("test_job_completed",), also=LOST, by_hand=(edited("raise KeyError.*", "pass"),),
    ),
    Scenario(
        name="interrupted", expect="end-ctrl-c", job=init_job(train=kill(2)), failed=("test_job_completed",),
    ),
    Scenario(
        name="stopped-from-its-page", expect="end-stopped-in-wandb", hook=stopped_from_its_page,
        job=init_job(settings=PROMPT, train="train(run, 60, 1.0); run.finish()"), failed=("test_job_completed",),
    ),
    Scenario(
        name="files-refused", expect="end-files-not-uploaded", kind="warning",
        misbehave=(Fault(method="PUT", status=403, message="SignatureDoesNotMatch"),),
    ),
    Scenario(
        name="ok-still-running", hook=alive,
        command=("--server", "real", "--run", "loopback/scenario/alive", "--expect-points", "1"),
    ),
    Scenario(
        name="crashed-run", expect="end-crashed-heartbeat", hook=killed_before, failed=UNFINISHED,
        server={"crash_after_s": 1.0}, command=("--server", "real", "--run", "loopback/scenario/gone"),
    ),
    Scenario(
        name="exit-code-after-a-finished-run",
        expect="end-failed-exitcode",
        job=init_job(train="train(run); run.finish(); sys.exit(3)"),
        failed=("test_job_completed",),
        by_hand=(edited("; sys.exit(3)", ""),),
    ),
    Scenario(
        name="other-rank-exits-without-a-word",
        expect="end-failed-exitcode",
        job="if rank == 1: time.sleep(3); os._exit(7)\n" + init_job(train="train(run, 20); run.finish()"),
        nproc=2,
        failed=("test_job_completed",),
        also=frozenset({"end-lost-local-buffer"}),
        by_hand=(edited(".*os._exit(7)", ""),),
    ),
    *(
        Scenario(
            name=f"core-killed-{signal}", expect="end-core-signalled",
            job=init_job(before=KILL_CORE, train=f"train(run, 2); kill_core({signal}); train(run, 2); run.finish()"),
        )
        for signal in (9, 15)
    ),
    Scenario(
        name="staging-not-writable", expect="end-artifact-staging-not-writable", job=init_job(train=ARTIFACT),
        env={"WANDB_DATA_DIR": "/proc/nope"}, failed=("test_job_completed",),
    ),
    Scenario(name="ok-artifact", job=init_job(train=ARTIFACT)),
)  # fmt: skip
