"""Plays mutants: each in a process of its own, where the quick tests run until one of them fails."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = {
    "harness/diagnosis": ("tests/diagnosis",),
    "harness/evidence/wandb_log": ("tests/evidence/wandb_log",),
}
"""What is changed, and the tests that should notice; what other processes run, a change here cannot reach."""
LIMIT_S = 300.0
PRELOADED = ("pytest", "pydantic", "hypothesis", "yaml", "requests", "google.protobuf.message")
"""Imported once, ahead of all: nothing of the harness is among them."""


@dataclass(frozen=True)
class Outcome:
    """Whether a test failed, and what had been changed."""

    killed: bool
    where: str


def sample(count: int, seed: int, part: str = "") -> list[Mutant]:
    """A random sample of all mutants, the same for the same seed and code."""
    modules = sorted(path for subject in SUBJECTS for path in (ROOT / subject).rglob("*.py") if part in str(path))
    everything = [mutant for path in modules for mutant in mutants(path)]
    return random.Random(seed).sample(everything, min(count, len(everything)))


def verdicts(chosen: Sequence[Mutant], jobs: int) -> Iterator[Outcome]:
    """Play them, some at a time."""
    for name in PRELOADED:
        import_module(name)
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(play, chosen)


def play(mutant: Mutant) -> Outcome:
    """Whether the tests notice; tests that do not end do."""
    code, change = mutant.make()
    where = f"{mutant.path.relative_to(ROOT)}:{change}"
    child = os.fork()
    if child == 0:
        status = 1  # also where pytest itself falls over what was changed
        try:
            status = _run(mutant, code)
        finally:
            os._exit(status)
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return Outcome(status != 0, where)
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Outcome(killed=True, where=where)


def _run(mutant: Mutant, code: object) -> int:
    import pytest

    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> object:
        return code if self.path == str(mutant.path) else original(self, name)

    SourceFileLoader.get_code = get_code
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    os.chdir(ROOT)
    options = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow")
    return int(pytest.main([*options, *_tests(mutant.path)]) != 0)


def _tests(path: Path) -> list[str]:
    """The tests that mirror the module, then the others of its subject."""
    folders = next(tests for subject, tests in SUBJECTS.items() if path.is_relative_to(ROOT / subject))
    mirrors = [str(p) for p in sorted((ROOT / "tests").rglob(f"test_{path.stem}.py"))]
    return [*mirrors, *folders]
