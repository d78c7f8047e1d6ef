"""Judges several Slurm jobs, each as if it were alone: a line for each, and one exit code."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic_core import from_json

from harness.settings.model import Settings
from harness.targets.slurm.commands import Slurm

AT_ONCE = 4
WORST = (1, 4, 10)
"""Exit codes, the one that counts most first."""


def jobs_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the jobs to attach to, an array by its tasks; each once, in the order that was given."""
    found: list[str] = []
    for job in (settings.slurm.attach or "").split(","):
        job_id = job.strip()
        found += (Slurm(environ).tasks(job_id) if job_id.isdigit() else ()) or (job_id,)
    return tuple(dict.fromkeys(found))


def judge_each(jobs: Sequence[str], command: Sequence[str], folder: Path, say: Callable[[str], object]) -> int:
    """Verify each job in a process of its own; returns the exit code that counts most.

    Args:
        jobs: their ids.
        command: the verification; the job and its report folder are added.
        folder: the reports go below it.
        say: told of each job in a line.
    """

    def verify(job: str) -> tuple[int, str, Path]:
        report = folder / job
        argv = [*command, f"--lumi-attach={job}", f"--report={report}"]
        done = subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        words = (done.stderr or done.stdout).decode(errors="replace").strip()
        return done.returncode, words, report

    codes = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for job, (code, words, report) in zip(jobs, pool.map(verify, jobs), strict=True):
            codes.append(code)
            say(f"{job}: {_told(report, code, words)}")
    return next((code for code in WORST if code in codes), max(codes, key=abs, default=0))


def command_of(given: Sequence[str] | None, invoked: Sequence[str]) -> list[str]:
    """Return how a verification is started again: as `lumi-wandb check`, or as pytest."""
    return [sys.executable, "-m", *(("harness", "check", *given) if given is not None else ("pytest", *invoked))]


def _told(report: Path, code: int, words: str) -> str:
    verdict = report / "verdict.json"
    if not verdict.exists():
        return words.splitlines()[-1] if words else f"exit code {code}"
    found = from_json(verdict.read_bytes())
    cause = next((f for f in found["findings"] if f["id"] == found["root_cause"]), None)
    why = f", {cause['id']}: {cause['title']}" if cause else ""
    return f"{found['verdict']}{why}    {report}"
