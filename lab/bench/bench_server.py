"""What `pytest checks --run` costs: a run of a million steps beside one of ten, many neighbours, many duplicates."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.loopback.rows import GeneratedLog
from harness.loopback.server import LoopbackServer
from lab.bench.row import Row
from tests.repository import REPOSITORY as CLONE

PAIRS = 5
STEPS = 1_000_000
NEIGHBOURS = 10_000
DUPLICATES = 1024
RECORDED = {"_wandb": {"e": {"w": {"host": "nid005001", "program": "train.py", "slurm": {"job_id": "77"}}}}}


def rows() -> Iterator[Row]:
    """Whole verifications, start of pytest included, taken in turn; the median of each."""
    with LoopbackServer() as server, tempfile.TemporaryDirectory() as folder:
        _fill(server)
        asked = {"short": "long/short", "long": "long/million", "wide": "wide/mine", "many": "many/d7"}
        spent: dict[str, list[float]] = {name: [] for name in asked}
        requests: dict[str, int] = {}
        for _ in range(PAIRS):
            for name, run in asked.items():
                server.forget_requests()
                spent[name].append(_seconds(server, run, Path(folder)))
                requests[name] = len(server.requests)
    seconds = {name: statistics.median(times) for name, times in spent.items()}
    ratio = statistics.median(long / short for long, short in zip(spent["long"], spent["short"], strict=True))
    beside = f"{seconds['short']:.1f} s (10 steps)"
    yield Row(f"--run on {STEPS:,} steps", f"{seconds['long']:.1f} s", beside, f"{ratio:.2f} x", "≤ 1.2 x")
    titles = {"wide": f"--run beside {NEIGHBOURS:,} other runs", "many": f"--run on one of {DUPLICATES:,} duplicates"}
    for name, what in titles.items():
        yield Row(what, f"{seconds[name]:.1f} s", beside, f"{seconds[name]:.1f} s", "≤ 5 s")
    yield Row("requests of --run, the most", f"{max(requests.values())}", "", f"{max(requests.values())}", "≤ 12")


def _fill(server: LoopbackServer) -> None:
    seed = server.store.seed_run
    for name, steps in (("short", 10), ("million", STEPS)):
        seed("loopback", "long", name, history=_history(steps), config=RECORDED, exit_code=0, created_at=1e6 + steps)
    for number in range(NEIGHBOURS):
        seed("loopback", "wide", f"r{number}", created_at=1e6 + 60 * number)
    seed("loopback", "wide", "mine", history=_history(10), config=RECORDED, exit_code=0)
    for number in range(DUPLICATES):
        seed("loopback", "many", f"d{number}", history=_history(10), config=RECORDED, created_at=1e6 + number / 200)


def _history(steps: int) -> GeneratedLog:
    return GeneratedLog(steps=steps, series={"loss": lambda step: 1 / (step + 1), "acc": float, "lr": float})


def _seconds(server: LoopbackServer, run: str, folder: Path) -> float:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "PYTEST", "HARNESS"))}
    command = [sys.executable, "-m", "pytest", "checks", "--run", f"loopback/{run}", "--report", str(folder), "-q"]
    begun = time.perf_counter()
    subprocess.run(command, cwd=CLONE, env={**clean, **server.environment()}, capture_output=True, check=False)
    return time.perf_counter() - begun
