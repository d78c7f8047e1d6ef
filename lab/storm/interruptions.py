"""Signals at random moments: `python -m lab.storm.interruptions [-n 50] [--seed 8]`; fails if anything is left."""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from lab.storm.site import FAST, Site, wait_until
from lab.storm.told import Told
from tests import terminal_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
PHASES = {"": 1.5, "  preflight": 1.0, "  running": 7.0, "  reading": 1.0, "test_2_job": 0.6}
"""What the output shows when a phase begins, and seconds within which the signal then comes."""
NAMES = {"": "start", "  preflight": "preflight", "  running": "job", "  reading": "reading", "test_2_job": "checks"}
EVERY = 8
"""One moment in so many meets the built-in job with torch."""
LIMIT_S = 180.0
GONE_S = 20.0
"""After SIGKILL the job's supervisor gives the job ten seconds."""


@dataclass(frozen=True)
class Moment:
    """When a signal comes."""

    number: signal.Signals
    phase: str
    after_s: float
    builtin: bool

    def __str__(self) -> str:
        kind = "built-in" if self.builtin else "fast"
        return f"{self.number.name:<8} {NAMES[self.phase]:<10} {self.after_s:4.1f} s  {kind:<9}"


def moments(count: int, seed: int) -> list[Moment]:
    """Moments spread evenly over signals and phases, at random within them."""
    dice = random.Random(seed)
    pairs = list(product(SIGNALS, PHASES))
    dice.shuffle(pairs)
    return [
        Moment(*pairs[i % len(pairs)], dice.uniform(0, PHASES[pairs[i % len(pairs)][1]]), i % EVERY == EVERY - 1)
        for i in range(count)
    ]


def interrupt(moment: Moment, root: Path) -> tuple[str, list[str]]:
    """Play one moment; returns how it ended, and what is wrong."""
    site = Site(root)
    process = site.start(*(() if moment.builtin else FAST))
    try:
        wait_until(lambda: moment.phase in site.said() or process.poll() is not None, LIMIT_S)
        time.sleep(moment.after_s)
        process.send_signal(moment.number)
        begun = time.monotonic()
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            return "still running", [f"it had not ended {LIMIT_S:.0f} s later"]
        ended = f"exit {process.returncode:>3} after {time.monotonic() - begun:4.1f} s"
        return ended, list(_problems(moment, site, process.returncode))
    finally:
        site.kill_all()
        process.wait()


def _problems(moment: Moment, site: Site, code: int) -> Iterator[str]:
    said, killed = site.said(), moment.number == signal.SIGKILL
    wait_until(lambda: not site.processes(), GONE_S if killed else 2.0)
    yield from (f"left running: {line}" for line in site.processes().values())
    yield from (f"does not parse: {name}" for name in site.broken_json())
    in_charge = "test session starts" in said
    if in_charge and "Traceback" in said:
        yield f"traceback: {said[said.index('Traceback') :].splitlines()[-1]}"
    if code == 0 and "verdict: passed" in said:
        return  # it was over
    if killed:
        yield from _next_start(site)
        return
    yield from (f"left lying: {name}" for name in site.unplaced())
    if "verdict:" in said:  # the signal came while the reports were written: they are whole, and nothing else runs
        return
    if in_charge and (code != 2 or "interrupted by" not in said):
        yield f"exit {code}, and it says: {said.splitlines()[-1:]}"


def _next_start(site: Site) -> Iterator[str]:
    """The next verification tells of the killed one, once nothing is left by what it advises, of nothing."""
    if not site.marks():
        return
    (site.work / "job.txt").write_text("hello\n")
    again = ("--job-log", "job.txt", "--report", "again")

    def told() -> list[str]:
        done = subprocess.run(
            site.command(*again), cwd=site.work, env=site.env, capture_output=True, text=True, check=False
        )
        return done.stdout.partition("= test session starts =")[0].splitlines()

    first = told()
    if not any("was killed before its end" in line for line in first):
        yield f"the next start says nothing of it: {first}"
    for line in first:
        if "to remove what it left: " in line:
            subprocess.run(line.partition(": ")[2], shell=True, cwd=site.work, check=True)
    if any("earlier verification" in line for line in told()):
        yield "what the next start advises does not clean up"
    yield from (f"left lying after it: {name}" for name in site.unplaced())


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each moment and the total; 1 if anything is left."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-n", type=int, default=50, help="how many moments")
    cli.add_argument("--seed", type=int, default=8)
    options = cli.parse_args(argv)
    terminal_signals.restore()
    told = Told()
    for moment in moments(options.n, options.seed):
        with tempfile.TemporaryDirectory(prefix="storm-") as folder:
            ended, problems = interrupt(moment, Path(folder) / "site")
        told.trial(f"{moment} {ended}", problems)
    return told.total("interruptions of a local verification")


if __name__ == "__main__":
    sys.exit(main())
