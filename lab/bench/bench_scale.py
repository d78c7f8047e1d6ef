"""What large jobs bring: time and memory of the whole `pytest checks`; inputs are made for it and removed again."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.loopback.server import LoopbackServer
from lab.bench.row import Row
from lab.storm.site import Site
from tests.repository import REPOSITORY

MOST_MB, MOST_S = 300, 120
NODES, GCDS, SAMPLES = 64, 8, 500
GPU_KEYS = (
    "gpu",
    "memoryAllocated",
    "memoryReadWriteActivity",
    "temp",
    "powerWatts",
    "powerPercent",
    "memoryOverDrive",
)
HOST = {"system.cpu": 40.0, "system.memory_percent": 30.0, "system.disk.in": 5.0, "system.network.sent": 7.0}
LOG = REPOSITORY / "tests/evidence/disk/wandb_log/data/seed-0.31.0.wandb"
BEGAN = 1_795_458_258.0
CONSOLE = {"output.log": b"Epoch 1"}
FACTS = {"program": "train.py", "python": "3.12.3", "os": "Linux"}


@dataclass(frozen=True)
class Answer:
    """What the verification said, and what it took: time, and the memory of its largest process."""

    seconds: float
    processor_s: float
    peak_mb: float
    exit_code: int
    verdict: dict[str, Any]


Case = Callable[[Site, float], contextlib.AbstractContextManager[tuple[str, tuple[str, ...]]]]
"""Makes the input, of the full size or a part of it; yields what it is in words, and the options that name it."""


def ask(case: Case, part: float = 1.0) -> tuple[str, Answer]:
    """Make the input, judge it, remove it."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        site = Site(Path(folder) / "site")
        with case(site, part) as (what, options):
            begun, used = time.monotonic(), processor_s()
            process = site.start(*options, "--report", "report", "-q")
            peak = 0.0
            # Not by wait4(): what it tells of a child holds what this process had when it forked.
            while process.poll() is None:
                peak = max([peak, *map(peak_mb, site.processes())])
                time.sleep(0.05)
            seconds, used = time.monotonic() - begun, processor_s() - used
        verdict = json.loads((site.work / "report" / "verdict.json").read_text())
        return what, Answer(seconds, used, peak, process.returncode, verdict)


def processor_s() -> float:
    """Processor time of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peak_mb(pid: int) -> float:
    """Peak resident memory of a process so far."""
    with contextlib.suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def rows() -> Iterator[Row]:
    """One row for each case."""
    for case in CASES:
        what, answer = ask(case)
        said = answer.verdict["root_cause"] or answer.verdict["verdict"]
        took = f"{answer.processor_s:.0f} s of processor, {answer.peak_mb:.0f} MB"
        yield Row(what, f"{answer.seconds:.0f} s, {took}", f"says {said}", took, f"≤ {MOST_S} s, ≤ {MOST_MB} MB")


def seed_well(server: LoopbackServer, **more: Any) -> None:
    """Put a run of which nothing is wrong into the project `well`; `more` is for `seed_run`."""
    facts = {**FACTS, "host": "nid000001"}
    rows = [{"_step": i, "_timestamp": BEGAN + i, "loss": 1 / (i + 1), "acc": i} for i in range(50)]
    events = [{"_runtime": 10.0 * i, "_timestamp": BEGAN + 10 * i, **HOST} for i in range(3)]
    usual = {"config": {"_wandb": {"e": {"writer": facts}}}, "history": rows, "events": events, "files": CONSOLE}
    server.store.seed_run("loopback", "well", "run", created_at=BEGAN, **{**usual, **more})


@contextlib.contextmanager
def many_runs(site: Site, part: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A project of 10,000 runs, of which the 1,024 ranks of one Slurm job made one each."""
    total, ranks = int(10_000 * part), int(1024 * part)
    with LoopbackServer() as server:
        for number in range(total):
            ours = number < ranks
            facts = {
                **FACTS,
                "host": f"nid{number // 8:06}",
                "program": "train.py",
                "slurm": {"job_id": "1" if ours else f"{number}"},
            }
            config = {"lr": 0.1, "_wandb": {"cli_version": "0.31.0", "e": {"writer": facts}}}
            rows = [{"_step": i, "_timestamp": BEGAN + i, "loss": 1 / (i + 1), "acc": i} for i in range(3)]
            server.store.seed_run(
                "loopback", "wide", f"run{number}", config=config, history=rows if ours else (),
                events=[{"_runtime": 10.0 * i, **HOST} for i in range(3)] if ours else (), files=CONSOLE,
                created_at=BEGAN + (number % 8 if ours else 100 + number), heartbeat_at=BEGAN + 600 + number,
            )  # fmt: skip
        site.env |= server.environment()
        yield f"{ranks:,} runs of one job among {total:,} of the project", ("--run", "loopback/wide/run0")


@contextlib.contextmanager
def many_gpus(site: Site, part: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """One run in shared mode, to which each node sends the metrics of its GCDs."""
    nodes = max(1, int(NODES * part))
    dice = random.Random(8)
    events = []
    for number in range(SAMPLES):
        row: dict[str, float] = {"_runtime": 10.0 * number, "_timestamp": BEGAN + 10 * number}
        for node in range(nodes):
            row |= {f"{key}/l:node{node}": value + dice.random() for key, value in HOST.items()}
            for gcd in range(GCDS):
                row |= {f"system.gpu.{gcd}.{key}/l:node{node}": 50 + dice.random() for key in GPU_KEYS}
        events.append(row)
    facts = {**FACTS, "host": "nid000001", "gpu_count": GCDS, "gpu": "AMD Instinct MI250X"}
    with LoopbackServer() as server:
        seed_well(server, config={"_wandb": {"e": {"writer": facts}}}, events=events)
        site.env |= server.environment()
        yield f"{nodes} nodes × {GCDS} GCDs, {SAMPLES} samples of each metric", ("--run", "loopback/well/run")


def block(number: int, size: int) -> bytes:
    """Output as training prints it: progress, losses, now and then a warning."""
    dice = random.Random(number)
    lines = []
    length = 0
    while length < size:
        step = dice.randrange(10**6)
        line = f"[{step}] step {step} loss {dice.random():.4f} lr {dice.random():.2e} time {dice.random():.3f}s\n"
        if step % 500 == 0:
            line += f"wandb: WARNING something about step {step}\nEpoch {step}, Loss: {dice.random()}\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()


ANNOUNCED = b"wandb: Syncing run one\nwandb: View run at https://wandb.ai/me/vit/runs/abcd1234\n"
"""As the SDK prints it."""


@contextlib.contextmanager
def long_output(site: Site, part: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The output of a job that printed for days."""
    megabytes = int(1024 * part)
    once = block(1, 1 << 20)
    with (site.work / "slurm-7.out").open("wb") as file:
        file.write(ANNOUNCED)
        for _ in range(megabytes):
            file.write(once)
    yield f"job output of {megabytes:,} MB", ("--job-log", "slurm-7.out")


@contextlib.contextmanager
def many_outputs(site: Site, part: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A file for each rank."""
    count = int(1000 * part)
    for number in range(count):
        (site.work / f"slurm-7-{number}.out").write_bytes((b"" if number else ANNOUNCED) + block(number % 10, 50_000))
    yield f"{count:,} files of job output, 50 kB each", ("--job-log", "slurm-7-*.out")


@contextlib.contextmanager
def many_offline(site: Site, part: float) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A `wandb/` folder that nobody ever cleaned up."""
    count = int(5000 * part)
    folder = site.work / "wandb"
    log = shutil.copy(LOG, site.root)
    for number in range(count):
        at = time.strftime("%Y%m%d_%H%M%S", time.localtime(BEGAN + 60 * number))
        run = folder / f"offline-run-{at}-r{number:05}"
        run.mkdir(parents=True)
        os.link(log, run / f"run-r{number:05}.wandb")
    yield f"offline folder with {count:,} runs", ("--run-dir", "wandb", "--expect", "loss")


CASES: tuple[Case, ...] = (many_runs, many_gpus, long_output, many_outputs, many_offline)
