"""Signals at random moments on a real Slurm, a table: `python -m tests.slurm.interruptions [-n 20] [--seed 4]`."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from harness.loopback.server import LoopbackServer
from lab.storm.told import Told
from tests import terminal_signals
from tests.slurm.configuration import ACCOUNT
from tests.slurm.daemons import belonging, wait_until
from tests.slurm.laboratory import Laboratory, missing
from tests.slurm.playing import TRAIN, Player

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
PHASES = {
    "start": ("", 1.5),
    "preflight": ("  preflight", 1.5),
    "sbatch": ("slurm.json", 0.3),
    "queue": (" pending", 6.0),
    "job": (" running", 9.0),
    "reading": ("  reading", 1.0),
    "checks": ("test_2_job", 0.5),
}
"""What shows that a phase has begun (a word of the output, or a file), and seconds within which the signal comes."""
LIMIT_S = 90.0
GONE_S = 20.0
THEIRS = ("wandb", "torchelastic_", "tmp", "torch", "pymp-")
"""Beginnings of names in TMPDIR that the SDK and torchrun leave when Slurm kills them; none is the harness's."""


@dataclass(frozen=True)
class Moment:
    """When a signal comes."""

    number: signal.Signals
    phase: str
    after_s: float

    def __str__(self) -> str:
        return f"{self.number.name:<8} {self.phase:<10} {self.after_s:4.1f} s"


def moments(count: int, seed: int) -> list[Moment]:
    """Moments spread evenly over signals and phases, at random within them."""
    dice = random.Random(seed)
    pairs = list(product(SIGNALS, PHASES))
    dice.shuffle(pairs)
    return [Moment(n, p, dice.uniform(0, PHASES[p][1])) for n, p in (pairs[i % len(pairs)] for i in range(count))]


def interrupt(player: Player, moment: Moment, name: str) -> tuple[str, list[str]]:
    """Play one moment; returns how it ended, and what is wrong."""
    script = player.work / "train.py"
    script.write_text(
        TRAIN.read_text().replace('"--pause", type=float, default=0.3', '"--pause", type=float, default=2')
    )
    report = player.work / ".harness" / name
    ahead = _busy(player) if moment.phase == "queue" else ""
    before = _temporary(player)
    output = player.root / f"{name}.out"
    with output.open("w") as file:
        process = player.start("--job", str(script), report=str(report), output=file)
    word = PHASES[moment.phase][0]
    with contextlib.suppress(TimeoutError):  # it may be over, or refused, before that phase
        wait_until(word, lambda: _begun(word, output, report) or process.poll() is not None, LIMIT_S)
    time.sleep(moment.after_s)
    process.send_signal(moment.number)
    begun = time.monotonic()
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return "still running", [f"it had not ended {LIMIT_S:.0f} s later"]
    ended = f"exit {process.returncode:>3} after {time.monotonic() - begun:4.1f} s"
    try:
        killed = process.returncode == -signal.SIGKILL
        return ended, [*(_next_start(player) if killed else ()), *_problems(player, report, output.read_text(), ahead),
                       *(f"file left: {path}" for path in sorted(_temporary(player) - before))]  # fmt: skip
    finally:
        player.lab.run("scancel", "--user", "root")
        player.lab.settle()


def _begun(word: str, output: Path, report: Path) -> bool:
    return (report / word).exists() if word.endswith(".json") else word in output.read_text()


def _busy(player: Player) -> str:
    """Let another job take the one place that dev-g has; returns its id."""
    return player.lab.say(
        "sbatch", "--parsable", "-A", ACCOUNT, "-p", "dev-g", "-o", "/dev/null", "--wrap", "sleep 300"
    ).strip()


def _problems(player: Player, report: Path, said: str, ahead: str) -> Iterator[str]:
    """What is left: jobs, processes, files outside the report folder, half-written JSON."""
    with contextlib.suppress(TimeoutError):
        wait_until("gone", lambda: not _jobs(player, ahead) and not own(player), GONE_S)
    yield from (f"job left: {job}" for job in _jobs(player, ahead))
    yield from (f"process left: {name_of(pid)}" for pid in own(player))
    yield from (f"file left: {p}" for p in player.work.iterdir()
                if p.name not in ("train.py", "wandb", ".harness", "again", "job.txt"))  # fmt: skip
    yield from (f"does not parse: {p.name}" for p in report.rglob("*.json") if not _parses(p))
    if "test session starts" in said and "Traceback" in said:  # before that, Python itself is interrupted
        yield f"traceback: {said[-1500:]}"


def _temporary(player: Player) -> set[Path]:
    """What lies in TMPDIR and would be the harness's or its batch script's."""
    return {path for path in (player.lab.root / "tmp").iterdir() if not path.name.startswith(THEIRS)}


def _parses(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True


def _next_start(player: Player) -> Iterator[str]:
    """After a kill: the next start tells what it found; done what it advises, it finds nothing."""
    (player.work / "job.txt").write_text("hello\n")

    def told() -> list[str]:
        argv = player.argv(("--job-log", "job.txt"), Path("again"), always=False)
        done = subprocess.run(argv, cwd=player.work, env=player.settle(), capture_output=True, text=True, check=False)
        return done.stdout.partition("= test session starts =")[0].splitlines()

    first = told()
    for line in first:
        for command in re.findall(r"(scancel [\d ]+|rm -r \S.*|kill -KILL [\d ]+)", line):
            player.lab.run("bash", "-c", command, cwd=player.work)
    if first and any("killed before its end" in line for line in told()):
        yield f"what the next start advises does not clean up: {first}"


def _jobs(player: Player, ahead: str) -> list[str]:
    return [job for job in player.jobs() if not ahead or not job.startswith(ahead)]


def own(player: Player) -> list[int]:
    """Processes that the verification or its job left."""
    return [pid for pid in belonging(f"HOME={player.home}") if name_of(pid) != "slurmstepd:"]


def name_of(pid: int) -> str:
    """Name of a process; that of Slurm's own where it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0].split(" ")[0]
    except OSError:
        return "slurmstepd:"


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each moment and the total; 1 if anything is left."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-n", type=int, default=20, help="how many moments")
    cli.add_argument("--seed", type=int, default=4)
    options = cli.parse_args(argv)
    if reason := missing():
        sys.exit(reason)
    terminal_signals.restore()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the laboratory is taken down then too
    told = Told()
    with (
        tempfile.TemporaryDirectory(prefix="slurm-lab-") as folder,
        Laboratory(Path(folder)) as lab,
        LoopbackServer() as server,
    ):
        player = Player(lab, server, Path(folder) / "user")
        for number, moment in enumerate(moments(options.n, options.seed), 1):
            ended, problems = interrupt(player, moment, f"n{number}")
            told.trial(f"{moment}  {ended}", problems)
    return told.total("interruptions of a Slurm verification")


if __name__ == "__main__":
    sys.exit(main())
