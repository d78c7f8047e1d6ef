"""Many verifications in one process: `python -m lab.storm.endurance [-n 200]`; fails if anything grows or changes.

Most look at one finished run, by the reader's process and the server; every twenty-fifth runs a job of its own against
the embedded server. Then the default verification is made while both cores are busy and each answer takes 200 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.loopback.faults import Fault
from harness.loopback.server import LoopbackServer
from lab.bench.bench_scale import seed_well
from lab.storm.site import Site
from tests.faults.run import REPOSITORY

WITH_JOB = 25
WARM = WITH_JOB
"""So many verifications, the first with a job among them, fill the caches of pytest and import all that is needed."""
MOST_GROWTH_MB = 20.0
LATENCY_S = 0.2


@dataclass(frozen=True)
class Look:
    """What the process has after a verification, and what was said."""

    memory_mb: float
    files: int
    sockets: int
    threads: int
    children: int
    verdict: str


def verify_often(count: int) -> Iterator[Look]:
    """The child's part: verify in this process again and again."""
    import pytest

    fixed = ("-c", str(REPOSITORY / "pyproject.toml"), "--rootdir", str(REPOSITORY), "-p", "no:cacheprovider", "-q")
    for number in range(count):
        way = (
            ("--job", "train.py", "--nproc", "1")
            if number % WITH_JOB == WITH_JOB - 1
            else ("--run", "loopback/well/run")
        )
        with contextlib.redirect_stdout(sys.stderr):
            pytest.main([str(REPOSITORY / "checks"), *fixed, *way, "--report", "report"])
        yield look(json.loads(Path("report/verdict.json").read_text())["verdict"])


def look(verdict: str) -> Look:
    """Count what this process has."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one by which the folder was listed
            links.append(str(entry.readlink()))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    sockets = sum(link.startswith("socket:") for link in links)
    return Look(
        int(status["VmRSS"].split()[0]) / 1024, len(links), sockets, threading.active_count(), len(children), verdict
    )


def endure(count: int, root: Path) -> list[Look]:
    """Verify so many times in a process of its own; what it had after each."""
    site = Site(root)
    with LoopbackServer() as server:
        seed_well(server)
        command = [sys.executable, "-m", "lab.storm.endurance", "--child", "-n", str(count)]
        paths = {"PYTHONPATH": str(REPOSITORY)}
        with (site.root / "errors").open("wb") as errors:
            done = subprocess.run(
                command, cwd=site.work, env={**site.env, **server.environment(), **paths},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, check=True,
            )  # fmt: skip
    left = site.processes()
    assert not left, left
    return [Look(**json.loads(line)) for line in done.stdout.splitlines()]


def grown(looks: Sequence[Look], warm: int = WARM) -> list[str]:
    """What grew after the first few verifications, or came out differently than before."""
    ways = {number % WITH_JOB == WITH_JOB - 1 for number in range(len(looks))}
    said = [{x.verdict for n, x in enumerate(looks) if (n % WITH_JOB == WITH_JOB - 1) is way} for way in ways]
    first, last = looks[min(warm, len(looks)) - 1], looks[-1]
    problems = [f"verdicts {', '.join(sorted(words))}" for words in said if len(words) > 1]
    if last.memory_mb - first.memory_mb > MOST_GROWTH_MB:
        problems.append(f"memory: {first.memory_mb:.0f} MB, then {last.memory_mb:.0f} MB")
    for name in ("files", "sockets", "threads", "children"):
        before, after = getattr(first, name), getattr(last, name)
        if after > before:
            problems.append(f"{name}: {before}, then {after}")
    return problems


@contextlib.contextmanager
def busy(cores: int) -> Iterator[None]:
    """So many processes that do nothing but compute."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def default_verification(root: Path, *, cores: int, latency_s: float) -> str:
    """The built-in job, with busy cores and a server that takes its time; returns the verdict and why."""
    site = Site(root)
    with LoopbackServer() as server, busy(cores):
        server.faults.add(Fault(delay_s=latency_s))
        env = {**site.env, **server.environment()}
        site.start("--server", "real", "--report", "report", env=env).wait()
    written = site.work / "report" / "verdict.json"
    if not written.exists():
        return site.said()
    verdict = json.loads(written.read_text())
    unwell = [f"{c['name']}: {c['reason']}" for c in verdict["checks"] if c["outcome"] in ("failed", "not_checked")]
    return "; ".join([verdict["verdict"], *unwell])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 if anything grew, changed or failed."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-n", type=int, default=200, help="how many verifications")
    cli.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = cli.parse_args(argv)
    if options.child:
        for seen in verify_often(options.n):
            sys.stdout.write(json.dumps(asdict(seen)) + "\n")
            sys.stdout.flush()
        return 0
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        looks = endure(options.n, Path(folder) / "many")
        sys.stdout.write("verifications  memory    files  sockets  threads  children  verdict\n")
        for number in dict.fromkeys((1, min(WARM, options.n), max(1, options.n // 2), options.n)):
            x = looks[number - 1]
            sys.stdout.write(
                f"{number:>13}  {x.memory_mb:4.0f} MB  {x.files:>7}  {x.sockets:>7}  {x.threads:>7}"
                f"  {x.children:>8}  {x.verdict}\n"
            )
        problems = grown(looks)
        for cores, latency_s in ((os.cpu_count() or 1, 0.0), (0, LATENCY_S)):
            said = default_verification(Path(folder) / f"default-{cores}", cores=cores, latency_s=latency_s)
            sys.stdout.write(f"default verification, {cores} cores busy, {latency_s:.1f} s latency: {said}\n")
            problems += [said] if said != "passed" else []
    sys.stdout.writelines(f"WRONG: {problem[-300:]}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
