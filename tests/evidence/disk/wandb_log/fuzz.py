"""Reads many damaged logs: `python -m tests.evidence.disk.wandb_log.fuzz --count 100000`.

Prints how many there were, how long it took, the worst single file, the peak of memory and how often each status
came. Ends with 1 at the first crash, hang, or answer without words, naming the number that makes it again.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from harness.evidence.disk.wandb_log.reader import read_wandb_log
from harness.evidence.models.wandb_log import LocalLog
from tests.evidence.disk.wandb_log.mutate import mutated, seeds
from tests.fuzz_parts import Part, tell

PROCESSES = 2
# Processor time for one file, which takes milliseconds.
TIMEOUT_S = 30
MEMORY_MB = 300


def check(data: bytes, log: LocalLog) -> None:
    """Raise unless the answer is in words and agrees with itself and with the size of the file."""
    text = log.model_dump_json()
    if LocalLog.model_validate_json(text) != log:
        raise AssertionError("the answer is not the same after a round trip through JSON")
    if log.size_bytes != len(data) or len(text) > 3_000_000:
        raise AssertionError("a wrong size")
    sound = log.status in ("complete", "no_exit_record", "empty", "header_only")
    if sound == bool(log.problems):
        raise AssertionError(f"status {log.status} with {len(log.problems)} problems")
    if not 0 <= log.skipped_bytes <= 2 * len(data) + 7:
        raise AssertionError("more skipped than there is")


def run(first: int, end: int, step: int) -> Part:
    """Read the mutations `first`, `first + step`, … below `end`."""
    originals = seeds()
    statuses: Counter[str] = Counter()
    worst, worst_number, failure = 0.0, first, ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run-fuzz.wandb"
        path.write_bytes(originals[0])
        read_wandb_log(path)  # imports the SDK's classes, which is not to count
        for number in range(first, end, step):
            chance = random.Random(number)
            data = mutated(chance.choice(originals), chance)
            path.write_bytes(data)
            signal.setitimer(signal.ITIMER_PROF, TIMEOUT_S)  # a hang ends the process
            begun = time.process_time()
            try:
                log = read_wandb_log(path)
                check(data, log)
            except Exception:  # noqa: BLE001 - finding any is what this is for
                failure = f"number {number}:\n{traceback.format_exc()}"
                break
            took = time.process_time() - begun
            if took > worst:
                worst, worst_number = took, number
            statuses[log.status] += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Part(statuses, worst, f"number {worst_number}", peak, failure)


def main() -> int:
    """Share the work between two processes, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    asked = parser.parse_args()
    begun = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES) as pool:
        starts = range(asked.first, asked.first + PROCESSES)
        parts = list(pool.map(run, starts, [asked.first + asked.count] * PROCESSES, [PROCESSES] * PROCESSES))
    statuses = sum((part.statuses for part in parts), Counter())
    counted = [
        f"{statuses.total():,} damaged logs in {time.perf_counter() - begun:.0f} s on {os.cpu_count()} processors",
        ", ".join(f"{status} {times:,}" for status, times in statuses.most_common()),
    ]
    return tell(parts, counted, MEMORY_MB)


if __name__ == "__main__":
    sys.exit(main())
