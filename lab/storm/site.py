"""A place of its own for a verification: home, working and temporary folder, and what is left there afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.run import REPOSITORY, clean_environment
from tests.faults.scenario import GOOD, PRELUDE

FAST = ("--job", "train.py", "--nproc", "2")
"""A job whose ranks do without torch."""


def wait_until(true: Callable[[], object], seconds: float, pause_s: float = 0.02) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause_s)
    return True


@dataclass
class Site:
    """Folders below `root`, and the environment that knows no others."""

    root: Path
    job: str = GOOD
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.home, self.work, self.tmp):
            folder.mkdir(parents=True)
        (self.work / "train.py").write_text(PRELUDE + self.job)
        own = {"HOME": str(self.home), "TMPDIR": str(self.tmp), "PYTHONUNBUFFERED": "1"}
        self.env = {**clean_environment(), **own, **self.env}

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.root / "home"

    @property
    def work(self) -> Path:
        """The user's current folder."""
        return self.root / "work"

    @property
    def tmp(self) -> Path:
        """Temporary files go here."""
        return self.root / "tmp"

    @property
    def output(self) -> Path:
        """What the verification printed."""
        return self.root / "output.txt"

    def command(self, *options: str, clone: Path = REPOSITORY) -> list[str]:
        """The user's command; without the cache, for two may run at a time."""
        fixed = ("-c", str(clone / "pyproject.toml"), "--rootdir", str(clone), "-p", "no:cacheprovider")
        return [sys.executable, "-m", "pytest", str(clone / "checks"), *fixed, *options]

    def start(self, *options: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start `pytest checks`; its output goes into a file."""
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self.command(*options), cwd=self.work, env=self.env if env is None else env,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """The output so far."""
        return self.output.read_text(errors="replace")

    def processes(self) -> dict[int, str]:
        """Processes whose environment names this place, with their command lines."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                if str(self.root).encode() in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")[:120]
        return found

    def kill_all(self) -> None:
        """End whatever still runs here."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def broken_json(self) -> list[str]:
        """JSON files below the report folders that do not parse, and files that were never put in their place."""
        bad = []
        for path in self.root.rglob("*.json"):
            if "wandb" in path.parts:
                continue
            try:
                json.loads(path.read_text())
            except ValueError:
                bad.append(str(path.relative_to(self.root)))
        return bad

    def unplaced(self) -> list[str]:
        """Files of the harness that are there for a moment only: half-written reports, temporary folders, its mark."""
        reports = [*self.work.rglob(".*.json.*"), *self.work.rglob(".*.html.*"), *self.work.rglob(".*.md.*")]
        return [str(p.relative_to(self.root)) for p in [*reports, *self.tmp.glob("harness*"), *self.marks()]]

    def marks(self) -> Sequence[Path]:
        """Marks of verifications that are under way."""
        return list(self.work.rglob("running.json"))
