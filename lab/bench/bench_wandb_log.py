"""A log of 1,000,000 steps with 4 metrics, summarised by our reader, by wandb's Go, and by its former Python."""

from __future__ import annotations

import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

from lab.bench.row import Row
from tests.evidence.disk.wandb_log.logfile import LogWriter, history, item, message, summary

STEPS = int(os.environ.get("BENCH_STEPS", "1000000"))
ROUNDS = 3
FORMER_SDK = "wandb==0.28.2"
PYTHON = [sys.executable, "-m", "lab.bench.bench_wandb_log"]


class Run(NamedTuple):
    """Wall clock, processor time with that of its children, and peak resident memory of one process."""

    seconds: float
    processor_s: float
    peak_mb: float


def rows() -> Iterator[Row]:
    """Whole processes, start included, taken in turn; the median of each."""
    with tempfile.TemporaryDirectory() as folder:
        datastore = _former_reader(Path(folder))
        for alone, what in ((False, "as wandb-core writes it"), (True, "history records alone")):
            directory = Path(folder) / f"run-{alone}"
            directory.mkdir()
            log = directory / "run-bench0001.wandb"
            write_log(log, STEPS, alone=alone)
            yield from _compare(f"{STEPS:,} steps, {what}, {log.stat().st_size >> 20} MB", log, datastore)
            log.unlink()


def _compare(what: str, log: Path, datastore: Path | None) -> Iterator[Row]:
    contestants = {
        "ours": [*PYTHON, "ours", str(log)],
        "leet": [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", str(log.parent), "--summary", "--json"],
    }
    if datastore is not None:
        contestants["datastore"] = [*PYTHON, "datastore", str(log), str(datastore)]
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, command in contestants.items():
            runs[name].append(_measure(command))
    seconds = {name: statistics.median(run.seconds for run in found) for name, found in runs.items()}
    processor = {name: statistics.median(run.processor_s for run in found) for name, found in runs.items()}
    ours = f"{seconds['ours']:.1f} s ({processor['ours']:.1f} s of processor)"
    for name, title, target in (("leet", "wandb leet inspect", 2), ("datastore", f"{FORMER_SDK} datastore", 4)):
        if name in seconds:
            ratio = statistics.median(
                other.seconds / own.seconds for own, other in zip(runs["ours"], runs[name], strict=True)
            )
            yield Row(
                f"read {what}",
                ours,
                f"{seconds[name]:.1f} s, {processor[name]:.1f} s of processor ({title})",
                f"{ratio:.1f} x faster",
                f"≥ {target} x",
            )
        else:
            yield Row(f"read {what}", ours, f"{title} could not be had", "not measured", f"≥ {target} x")
    peak = max(run.peak_mb for run in runs["ours"])
    yield Row(f"memory to read {what}", f"{peak:.0f} MB", "", f"{peak:.0f} MB", "< 150 MB")


def _measure(command: list[str]) -> Run:
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write_log(path: Path, steps: int, *, alone: bool) -> None:
    """Write a finished log: per step a history record, and before it two summary records as wandb-core does."""
    numbers = random.Random(6)
    with path.open("wb", buffering=1 << 20) as stream:
        writer = LogWriter(stream)
        num = 0
        for step in range(steps):
            cells = [
                ("loss", repr(1 / (step + 1))),
                ("acc", repr(numbers.random())),
                ("lr", repr(1e-3 * math.cos(step / steps))),
                ("epoch", str(step // 1000)),
                ("_timestamp", f"{1.795458258e9 + step / 100:.16e}"),
                ("_runtime", f"{step / 100:.9f}"),
                ("_step", str(step)),
            ]
            # Go walks its maps from a random place on.
            turn = numbers.randrange(len(cells))
            items = [item((key,), value) for key, value in cells[turn:] + cells[:turn]]
            if not alone:
                seconds = str(step // 100)
                runtime = [item(("_wandb", "runtime"), seconds), item(("_runtime",), seconds, nested=False)]
                writer.write(summary(num + 1, runtime))
                writer.write(summary(num + 2, items))
                num += 2
            num += 1
            writer.write(history(num, items, step))
        writer.write(message(b"\x92\x01", b""))


def _former_reader(folder: Path) -> Path | None:
    """Fetch the last SDK with a Python reader, for its one file; None without a package index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), FORMER_SDK]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    with zipfile.ZipFile(next(folder.glob("wandb-*.whl"))) as wheel:
        return Path(wheel.extract("wandb/sdk/internal/datastore.py", folder))


def _read_with_ours(log: Path) -> int:
    from harness.evidence.disk.wandb_log.reader import read_wandb_log

    return read_wandb_log(log).history_rows


def _read_with_datastore(log: Path, source: Path) -> int:
    """Do with the former reader what a summary needs: count, first, last, least and greatest per metric."""
    import json

    from wandb.proto import wandb_internal_pb2

    spec = spec_from_file_location("datastore", source)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    store = module.DataStore()
    store.open_for_scan(str(log))
    record = wandb_internal_pb2.Record()
    found: dict[str, list[float]] = {}
    latest: dict[str, Any] = {}
    rows = 0
    while (data := store.scan_data()) is not None:
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "summary":
            for update in record.summary.update:
                latest[update.key or ".".join(update.nested_key)] = update.value_json
        elif kind == "history":
            rows += 1
            for cell in record.history.item:
                value = json.loads(cell.value_json)
                key = cell.key or ".".join(cell.nested_key)
                series = found.get(key)
                if series is None:
                    series = found[key] = [0, value, value, value]
                series[0] += 1
                series[1] = value
                series[2] = min(series[2], value)
                series[3] = max(series[3], value)
    return rows


if __name__ == "__main__":
    reader, log, *rest = sys.argv[1:]
    read = _read_with_ours(Path(log)) if reader == "ours" else _read_with_datastore(Path(log), Path(rest[0]))
    sys.exit(0 if read == STEPS else f"{read} rows were read in place of {STEPS}")
