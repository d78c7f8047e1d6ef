"""How long the judge thinks: over the largest evidence that one job can leave, and over that of an ordinary job."""

from __future__ import annotations

import time
from collections.abc import Iterator

from harness.evidence.models import (
    EpochSeen,
    Evidence,
    LogLine,
    OutputLine,
    PythonError,
    RankSeen,
    RunLink,
    SystemSeries,
)
from harness.judging.judge import judge
from lab.bench.row import Row
from tests.faults.recorded import recordings

RANKS, DIRECTORIES, NODES, GCDS = 1024, 64, 64, 8
LINES = 300
MOST_MS, TIMES = 100, 5


def a_run_each() -> Evidence:
    """Each of 1,024 ranks made a run, failed, and said so; every list of the evidence is as long as it can be."""
    return largest(nodes=1, runs=RANKS)


def one_run() -> Evidence:
    """The 64 nodes of a job send the metrics of all their GCDs into one run, in shared mode."""
    return largest(nodes=NODES, runs=1)


def largest(nodes: int, runs: int) -> Evidence:
    """Everything that 1,024 ranks can leave, with the system metrics of so many nodes, and so many runs."""
    found = recordings()["every-rank"]
    run, directory = found.server.runs[0], found.local.runs[0]
    keys = ("gpu", "memoryAllocated", "temp", "powerWatts", "memoryRW", "powerPercent", "encoder")
    system = {
        name: SystemSeries(key=name, count=500, first=1.0, last=50.0, minimum=1.0, maximum=50.0,
                           sketch=tuple((float(i), float(i % 50)) for i in range(200)))
        for node in range(nodes) for gcd in range(GCDS) for key in keys
        for name in [f"system.gpu.{gcd}.{key}/l:node{node}"]
    }  # fmt: skip
    others = [run.model_copy(update={"id": f"run{n:05}", "detailed": False, "system": {}}) for n in range(1, runs)]
    directories = [
        directory.model_copy(update={
            "run_id": f"run{n % runs:05}", "path": f"/scratch/wandb/run-20261129_120000-run{n:05}",
            "sdk_logs": directory.sdk_logs.model_copy(update={"lines": tuple(_line(n, m) for m in range(200))}),
        })
        for n in range(DIRECTORIES)
    ]  # fmt: skip
    lines = tuple(OutputLine(number=n, text=f"[rank{n}] wandb: WARNING of rank {n}: step {n}") for n in range(LINES))
    output = found.job.output.model_copy(update={
        "lines": 10**6, "wandb_lines": lines, "notable": lines, "tail": lines[-60:],
        "links": tuple(RunLink(url=f"https://wandb.ai/a/b/runs/run{n:05}", entity="a", project="b",
                               run_id=f"run{n:05}", line=n) for n in range(RANKS)),
        "ranks": tuple(RankSeen(rank=n, world_size=RANKS, host=f"nid{n // GCDS:06}") for n in range(RANKS)),
        "epochs": tuple(EpochSeen(epoch=n, loss=1.0, acc=1.0, line=n) for n in range(1000)), "epochs_total": 1000,
        "errors": tuple(PythonError(exception="ValueError", message=f"rank {n}", line=n, rank=n) for n in range(100)),
    })  # fmt: skip
    server = found.server.model_copy(update={
        "runs": (run.model_copy(update={"id": "run00000", "system": system}), *others), "runs_total": runs,
    })  # fmt: skip
    return found.model_copy(update={
        "request": found.request.model_copy(update={"nproc": GCDS, "nodes": RANKS // GCDS}),
        "local": found.local.model_copy(update={"runs": tuple(directories)}), "server": server,
        "job": found.job.model_copy(update={"output": output, "ending": "failed", "exit_code": 1}),
    })  # fmt: skip


def _line(directory: int, number: int) -> LogLine:
    """Half of what the ranks say differs."""
    text = f"handler: something of number {number}" + (f" in run{directory:05}" if number % 2 else "")
    return LogLine(file="debug-internal.log", text=text)


def milliseconds(evidence: Evidence) -> float:
    """Processor time of one judgement, the best of some, once the catalogue is read."""
    judge(evidence)
    times = []
    for _ in range(TIMES):
        unseen = evidence.model_copy()  # of which no question was answered yet
        begun = time.process_time()
        judge(unseen)
        times.append(time.process_time() - begun)
    return 1000 * min(times)


def rows() -> Iterator[Row]:
    """Judge both."""
    measured = {"1,024 ranks, a run each": a_run_each(), "64 nodes × 8 GCDs in one run": one_run()}
    for what, evidence in {**measured, "an ordinary job": recordings()["ok-one-rank"]}.items():
        yield Row("judge", what, "", f"{milliseconds(evidence):.0f} ms", f"at most {MOST_MS} ms")
