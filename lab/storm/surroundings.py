"""Hostile surroundings: `python -m lab.storm.surroundings [-k PART]`: one sentence or no effect, no traceback."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.storm.site import FAST, Site, wait_until
from lab.storm.told import Told
from tests.evidence.gpu.standins import unshare
from tests.faults.run import REPOSITORY

LIMIT_S = 300.0
NO_UTF8 = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
MANY = (
    "import os, sys; [os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True) for _ in range(2000)];"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Opens 2,000 files, which the command that comes after it inherits."""


@dataclass
class Plan:
    """The user's command and where it is given; a condition changes it."""

    site: Site
    options: Sequence[str] = FAST
    report: str = "report"
    clone: Path = REPOSITORY
    before: str = ""
    """A line of shell in front of the command; ends in `exec` or pipes it."""
    private: bool = False
    """Whether the line mounts something, in a namespace of its own."""

    def words(self) -> list[str]:
        """The command line."""
        command = self.site.command(*self.options, "--report", self.report, clone=self.clone)
        if not self.before:
            return command
        inside = unshare() if self.private else ()
        return [*inside, "sh", "-c", self.before, "sh", *command]

    @property
    def verdict(self) -> str | None:
        """What the verdict file says."""
        path = self.site.work / self.report / "verdict.json"
        return json.loads(path.read_text())["verdict"] if path.exists() else None


@dataclass(frozen=True)
class Condition:
    """One thing that is wrong around the harness."""

    name: str
    change: Callable[[Plan], None]
    codes: tuple[int, ...] = (0,)
    says: str = "verdict: passed"
    """Must be in the output."""

    def why_not(self) -> str | None:
        """Why it cannot be played here; None where it can."""
        if self.name.startswith(("full", "read-only")) and not unshare():
            return "needs a private mount namespace, not allowed here"
        return "needs gcc" if self.name.startswith("clock") and not shutil.which("gcc") else None


def shell(line: str, *, private: bool = False) -> Callable[[Plan], None]:
    """A line of shell before the command, where `"$@"` stands for it."""

    def change(plan: Plan) -> None:
        plan.before, plan.private = line, private
        (plan.site.work / plan.report).mkdir()

    return change


def mounted(options: str, folder: str, *, fill: bool = False) -> Callable[[Plan], None]:
    """A file system of its own on a folder: small, or read-only; `fill` leaves no room for a byte."""
    full = f' && echo >"{folder}/x"' if fill else ""
    return shell(f'mount -t tmpfs -o {options} none "{folder}"{full} && exec "$@"', private=True)


def environment(**changes: str | None) -> Callable[[Plan], None]:
    """Variables set, or taken away."""

    def change(plan: Plan) -> None:
        for name, value in changes.items():
            plan.site.env.pop(name, None)
            if value is not None:
                plan.site.env[name] = value

    return change


def clock(seconds: int) -> Callable[[Plan], None]:
    """The clock of harness and job is set, in the middle of the job."""

    def change(plan: Plan) -> None:
        library = plan.site.root / "clock_jump.so"
        source = Path(__file__).with_name("clock_jump.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        jump = {"CLOCK_JUMP_AT": str(int(time.monotonic()) + 7), "CLOCK_JUMP_BY": str(seconds)}
        plan.site.env |= {"LD_PRELOAD": str(library), **jump}

    return change


def odd_paths(plan: Plan) -> None:
    """Spaces and letters beyond ASCII in every path."""
    plan.clone = plan.site.root / "mein Klön"
    for name in ("harness", "checks"):
        shutil.copytree(REPOSITORY / name, plan.clone / name)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, plan.clone)
    job = plan.site.work / "Läufe & so" / "träin me.py"
    job.parent.mkdir()
    shutil.move(plan.site.work / "train.py", job)
    plan.options = ("--job", str(job.relative_to(plan.site.work)), "--nproc", "2")
    plan.report = "mein Bericht ✓"


CONDITIONS = (
    # Where the current folder is gone from the start, or stdout is closed, pytest itself does not come up.
    Condition("full disk, first byte", mounted("size=4k", "report", fill=True), (4,), "cannot be written"),
    Condition("full disk, reports", mounted("size=24k", "report"), (0,), "could not be written"),
    Condition("full disk, temporary folder", mounted("size=4k", "$TMPDIR", fill=True), (0, 1, 10), "verdict: "),
    Condition("read-only report folder", mounted("ro", "report"), (4,), "cannot be written"),
    Condition("read-only home", mounted("ro", "$HOME")),
    Condition("clock an hour ahead", clock(3600)),
    Condition("clock an hour back", clock(-3600)),
    Condition("clock three days back", clock(-260_000)),
    Condition("2,000 open files", shell(f"ulimit -n 4096; exec {sys.executable} -c '{MANY}' \"$@\"")),
    Condition("64 files at most", shell('ulimit -n 64; exec "$@"'), (0, 1, 10), "verdict: "),
    Condition("no HOME", environment(HOME=None)),
    Condition("HOME that is not there", environment(HOME="/nonexistent/home")),
    Condition("locale C, ASCII", environment(LC_ALL="C", PYTHONIOENCODING="ascii", **NO_UTF8)),
    Condition("odd paths", odd_paths),
    Condition("umask 077", shell('umask 077; rmdir report; exec "$@"')),
    Condition("report folder removed", shell('(sleep 8; rm -r report) & exec "$@"'), (0,), "could not be written"),
    Condition("| head -1", shell('"$@" | head -1'), (0,), "test session starts"),
    Condition("stdin closed", shell('exec "$@" <&-')),
)  # fmt: skip


def play(condition: Condition, root: Path) -> tuple[str, list[str]]:
    """Play one condition; returns how it ended, and what is wrong."""
    plan = Plan(Site(root))
    condition.change(plan)
    site = plan.site
    with site.output.open("wb") as output:
        process = subprocess.Popen(
            plan.words(), cwd=site.work, env=site.env, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        return "no end", [f"it had not ended after {LIMIT_S:.0f} s"]
    else:
        problems = list(_problems(condition, plan, process.returncode))
        return _outcome(plan, process.returncode), problems
    finally:
        site.kill_all()
        process.wait()


def _outcome(plan: Plan, code: int) -> str:
    told = ("verdict: ", "ERROR: ", "could not be")
    lines = [line for line in plan.site.said().splitlines() if line.startswith(told)]
    return f"exit {code}: {'; '.join(lines)}"


def _problems(condition: Condition, plan: Plan, code: int) -> Iterator[str]:
    site = plan.site
    said = site.said()
    if code not in condition.codes:
        yield f"exit {code}"
    if condition.says not in said:
        yield f"it does not say {condition.says!r}: {said[-600:]}"
    if "Traceback" in said or "INTERNALERROR" in said:
        yield f"a traceback: {said[-800:]}"
    wait_until(lambda: not site.processes(), 5.0)
    yield from (f"left running: {line}" for line in site.processes().values())
    if site.work.exists():
        yield from (f"does not parse: {name}" for name in site.broken_json())
        yield from (f"left lying: {name}" for name in site.unplaced())
    told = plan.private or condition.name == "| head -1" or "could not be written" in said
    if code == 0 and not told and plan.verdict != "passed":
        yield f"the file says {plan.verdict}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each condition and the total; 1 if any went wrong."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-k", "--part", default="", help="only conditions whose name holds this")
    told = Told()
    for condition in (c for c in CONDITIONS if cli.parse_args(argv).part in c.name):
        if why := condition.why_not():
            sys.stdout.write(f"    {condition.name:<34} not played: {why}\n")
            continue
        with tempfile.TemporaryDirectory(prefix="storm-") as folder:
            outcome, problems = play(condition, Path(folder) / "site")
        told.trial(f"{condition.name:<34} {outcome[:160]}", problems)
    return told.total("conditions")


if __name__ == "__main__":
    sys.exit(main())
