"""Plays a user on the laboratory's login node: a home, a folder of their own, and `pytest checks --lumi …`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import yaml

from harness.loopback.server import LoopbackServer
from tests.repository import REPOSITORY as CLONE
from tests.slurm.configuration import ACCOUNT
from tests.slurm.daemons import wait_until
from tests.slurm.laboratory import Laboratory

STANDINS = Path(__file__).with_name("standins")
TRAIN = CLONE / "tests/jobs/ranks.py"
"""Looks like a DDP training, without torch: quick."""
SBOM = {"python": [{"name": "torch", "version": "2.10.0"}, {"name": "wandb", "version": version("wandb")}]}


@dataclass
class Outcome:
    """What a verification came to."""

    code: int
    out: str
    folder: Path
    seconds: float

    @property
    def verdict(self) -> dict[str, Any]:
        """The verdict document."""
        return dict(json.loads((self.folder / "verdict.json").read_text()))

    @property
    def evidence(self) -> dict[str, Any]:
        """The evidence document."""
        return dict(json.loads((self.folder / "evidence.json").read_text()))

    @property
    def cause(self) -> str | None:
        """The root cause."""
        return self.verdict["root_cause"]

    def outcomes(self) -> dict[str, str]:
        """How each check came out."""
        return {c["name"].rpartition("::")[2]: c["outcome"] for c in self.verdict["checks"]}

    @property
    def log(self) -> str:
        """The job's output."""
        return (self.folder / "job.log").read_text(errors="replace")

    @property
    def slurm(self) -> dict[str, Any]:
        """The scheduler's part of the evidence."""
        return dict(self.evidence["job"]["slurm"])


@dataclass
class Player:
    """One user with one W&B account on a loopback server."""

    lab: Laboratory
    server: LoopbackServer
    root: Path
    env: dict[str, str] = field(default_factory=dict)
    site: dict[str, Any] = field(default_factory=dict)
    gpus: Path | None = None
    """The folder of the stand-in for AMD's library; None: the nodes have no GPUs that W&B could see."""
    image: dict[str, Any] = field(default_factory=lambda: {"python": sys.prefix, "sbom": SBOM})

    def __post_init__(self) -> None:
        """Lay out home, folder, image and the facts of this site."""
        self.home, self.work = self.root / "home", self.root / "work"
        self.home.mkdir(parents=True)
        self.work.mkdir()
        if self.gpus:
            self.image = {**self.image, "amdgpu": True, "env": {"LD_LIBRARY_PATH": str(self.gpus)}}
        self.container = self.root / "lumi-multitorch-full-standin.sif"
        self.site = {
            "container": str(self.container), "container_newer": str(self.root / "none/*"),
            "torch_home": str(self.root / "torch_home"), "numa_binding": "", "cpu_masks": [],
            "network_interfaces": "lo", "node_local": [], "training_seconds": 8, **self.site,
        }  # fmt: skip

    def settle(self) -> dict[str, str]:
        """Write image and site facts; returns the user's environment."""
        self.container.write_text(json.dumps(self.image))
        (self.root / "site.yaml").write_text(yaml.safe_dump(self.site))
        clean = {
            k: v for k, v in self.lab.env.items()
            if not k.startswith(("WANDB", "PYTEST", "HARNESS", "COV")) and "proxy" not in k.lower()
        }  # fmt: skip
        return {
            **clean, "HOME": str(self.home), "PATH": f"{STANDINS}:{clean['PATH']}", "USER": "root",
            "WANDB_BASE_URL": self.server.url, "WANDB_API_KEY": self.server.api_key, "WANDB_ERROR_REPORTING": "false",
            "TMPDIR": str(self.lab.root / "tmp"), **self.env,
        }  # fmt: skip

    def argv(self, options: Sequence[str], report: Path, *, always: bool = True) -> list[str]:
        """The command line of a verification, with the options that one on Slurm always needs unless told otherwise."""
        return [
            sys.executable, "-m", "pytest", str(CLONE / "checks"), "-c", str(CLONE / "pyproject.toml"),
            "--rootdir", str(CLONE), "-p", "no:cacheprovider", "--report", str(report),
            *(self.always(options) if always else ()), *options,
        ]  # fmt: skip

    def always(self, options: Sequence[str]) -> list[str]:
        """Options that every verification needs, unless it says otherwise."""
        given = {o.partition("=")[0] for o in options}
        usual = {
            "--lumi-account": ACCOUNT, "--lumi-site": str(self.root / "site.yaml"), "--lumi-gpus": "2",
            "--lumi-time": "2",
        }  # fmt: skip
        # Beside a job that ran already they would be taken at their word.
        left_out = {"--lumi-account", "--lumi-gpus"} if "--lumi-attach" in given else set()
        return ["--lumi", *(w for k, v in usual.items() if k not in given | left_out for w in (k, v))]

    def start(
        self, *options: str, report: str = "report", output: IO[str] | int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start a verification and return at once."""
        env = self.settle()
        return subprocess.Popen(
            self.argv(options, self.root / report), cwd=self.work, env=env, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def verify(self, *options: str, report: str = "report", timeout_s: float = 180.0) -> Outcome:
        """Run a verification to its end."""
        return self.outcome(self.start(*options, report=report), report, timeout_s)

    def outcome(self, process: subprocess.Popen[str], report: str = "report", timeout_s: float = 180.0) -> Outcome:
        """Wait for the end of a verification."""
        begun = time.monotonic()
        try:
            out, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            out, _ = process.communicate(timeout=60)
            raise AssertionError(f"no end within {timeout_s:.0f} s:\n{out}") from None
        assert self.server.api_key not in out
        return Outcome(process.returncode, out, self.root / report, time.monotonic() - begun)

    def wait_for_job(self, process: subprocess.Popen[str], report: str = "report", timeout_s: float = 60.0) -> str:
        """Wait until the job was submitted; returns its id."""
        record = self.root / report / "slurm.json"
        end = time.monotonic() + timeout_s
        while not (found := _job_of(record)):
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < end, "the job was not submitted"
            time.sleep(0.1)
        return found

    def submit(self, body: str, *options: str, name: str = "mine.sh", **variables: str) -> str:
        """Submit a batch script of the user's own from their folder, as `sbatch` would; returns the job's id."""
        script = self.work / name
        script.write_text(f"#!/bin/bash\n{body}\n")
        where = ("--account", ACCOUNT, "--partition", "small-g", "--mem=1G", "--time=5")
        done = subprocess.run(
            ["sbatch", "--parsable", *where, *options, str(script)], cwd=self.work, env={**self.settle(), **variables},
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ended(self, *jobs: str, timeout_s: float = 90.0) -> None:
        """Wait until none of these jobs waits or runs."""
        wait_until(
            f"{jobs} end", lambda: not self.lab.say("squeue", "-h", "-j", ",".join(jobs)).strip(), timeout_s, 0.3
        )

    def jobs(self) -> list[str]:
        """Jobs that are in the queue or run: `id state`."""
        return self.lab.say("squeue", "-h", "-o", "%i %T").splitlines()


def _job_of(record: Path) -> str:
    """The job that a report folder tells of; empty while there is none."""
    return str(json.loads(record.read_text())["job_id"]) if record.exists() else ""


def environment(values: Mapping[str, str | None], base: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with values added, and those that are None removed."""
    changed = {**base, **{k: v for k, v in values.items() if v is not None}}
    return {k: v for k, v in changed.items() if values.get(k, "") is not None}
