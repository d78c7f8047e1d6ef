"""Plays mutants: each in a process forked after the collection, where the tests that reach it run until one fails."""

from __future__ import annotations

import functools
import gc
import math
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest

from lab.mutation.mutants import Mutant
from lab.mutation.reach import Reach, measure
from lab.mutation.score import ROOT, SUBJECTS, Outcome

TESTS = ("tests/judging", "tests/evidence/disk/wandb_log")
"""What should notice; what other processes run, a change cannot reach."""
LIMIT_S = 5.0
"""Processor time of a test, and as much again as it took undisturbed: after that, a loop has no end."""
ALONE_S = 300.0
"""Processor time of all tests of a subject, with pytest's start."""
PATIENCE = 20
"""So many times longer may a child take by the clock: the machine may be busy, but a lock never opens."""
PLAIN = ("-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow")


def play(chosen: Sequence[Mutant], tests: Sequence[str], jobs: int, tell: Callable[[Outcome], None]) -> None:
    """Play them, some at a time, and tell of each as it ends.

    Raises:
        SystemExit: the tests cannot be collected, or fail without any change.
    """
    os.chdir(ROOT)
    player = Player(chosen, jobs, tell)
    status = pytest.main(["-p", "no:terminal", *PLAIN, *tests], plugins=[player])
    if player.failed or status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        sys.exit(f"The tests fail without any change: see `pytest {' '.join(tests)}`.")


@dataclass
class Running:
    """A mutant that is being played."""

    mutant: Mutant
    reached_by: int
    ends_at: float
    """Of the monotonic clock."""


class Player:
    """A pytest plugin that plays mutants in place of running the tests once."""

    def __init__(self, chosen: Sequence[Mutant], jobs: int, tell: Callable[[Outcome], None]) -> None:
        self.chosen = chosen
        self.jobs = jobs
        self.tell = tell
        self.failed = False
        self.measured = coverage.Coverage(data_file=None, include=[f"{ROOT / subject}/*" for subject in SUBJECTS])
        self.measured.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure, then fork for each mutant."""
        reach = self._reach(session.items)
        if reach is None:
            self.failed = True
            return True
        items = {item.nodeid: item for item in session.items}
        waiting = list(reversed(self.chosen))
        running: dict[int, Running] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop()
                tests = reach.of(mutant)
                if tests:
                    timed = [(items[test], LIMIT_S + 2 * reach.seconds[test]) for test in tests]
                    child = _fork(functools.partial(self._judge, mutant, timed, alone=reach.on_import(mutant)))
                elif reach.on_import(mutant):
                    child = _fork(functools.partial(_judge_alone, mutant))
                else:
                    self.tell(Outcome(mutant, killed=False, reached_by=0))
                    continue
                ends_at = time.monotonic() + PATIENCE * (LIMIT_S + sum(reach.seconds[test] for test in tests or items))
                running[child] = Running(mutant, len(tests or items), ends_at)
            for child, played in list(running.items()):
                killed = _killed(child, played.ends_at)
                if killed is not None:
                    self.tell(Outcome(played.mutant, killed, played.reached_by))
                    del running[child]
            time.sleep(0.005)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a failure, which ends the mutant."""
        self.failed = self.failed or report.failed

    def _reach(self, items: Sequence[pytest.Item]) -> Reach | None:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "reach")
            _, status = os.waitpid(_fork(functools.partial(self._measure, items, target)), 0)
            self.measured.stop()
            found: Reach | None = None if status else pickle.loads(target.read_bytes())
        return found

    def _measure(self, items: Sequence[pytest.Item], target: Path) -> None:
        measure(self.measured, items, target)
        if self.failed:
            os._exit(1)

    def _judge(self, mutant: Mutant, timed: Sequence[tuple[pytest.Item, float]], *, alone: bool) -> None:
        put(mutant)
        for (item, seconds), (after, _) in zip_longest(timed, timed[1:], fillvalue=(None, 0.0)):
            _allow(seconds)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.failed:
                os._exit(1)
        if alone:
            _judge_alone(mutant)


def _allow(seconds: float) -> None:
    """End this process (SIGXCPU) once it has computed for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + seconds), hard))


def _judge_alone(mutant: Mutant) -> None:
    """Play what runs on import, from the start, with the tests that mirror the module and its subject."""
    mirrors = sorted(str(path) for path in (ROOT / "tests").rglob(f"test_{mutant.path.stem}.py"))
    subject = next(subject for subject in SUBJECTS if mutant.path.is_relative_to(ROOT / subject))
    _allow(ALONE_S)
    _silence()  # again: pytest gave the tests before it their own streams
    here = ("-m", "lab.mutation.alone", str(mutant.path), str(mutant.place), "-x", *PLAIN, *mirrors)
    os.execv(sys.executable, [sys.executable, *here, subject.replace("harness", "tests", 1)])


def put(mutant: Mutant) -> None:
    """Give every function of the module that lives the changed code."""
    changed = dict(_codes(mutant.code()))
    gc.unfreeze()  # the tests' conftest puts what was collected out of the collector's sight
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename == str(mutant.path):
            thing.__code__ = changed[_key(thing.__code__)]
        elif isinstance(thing, functools._lru_cache_wrapper):
            thing.cache_clear()


def _codes(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    yield _key(code), code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _fork(work: Callable[[], None]) -> int:
    """Do the work in a child, silently; its status is 0 where nothing went wrong."""
    child = os.fork()
    if child:
        return child
    status = 1  # also where pytest itself falls over what was changed
    try:
        os.setpgid(0, 0)
        _silence()
        work()
        status = 0
    finally:
        os._exit(status)


def _silence() -> None:
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)


def _killed(child: int, ends_at: float) -> bool | None:
    """Whether a test failed, or the time is over; None while that is open."""
    done, status = os.waitpid(child, os.WNOHANG)
    if not done and time.monotonic() > ends_at:
        os.killpg(child, signal.SIGKILL)
        done, status = os.waitpid(child, 0)
    return status != 0 if done else None
