"""Which tests run which lines, and how long each takes: asked of coverage.py once, ahead of all mutants."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import coverage
import pytest

from lab.mutation.mutants import Mutant

IMPORT = ""
"""What coverage.py calls the time before any test."""


@dataclass
class Reach:
    """What one undisturbed run of the tests showed."""

    seconds: dict[str, float] = field(default_factory=dict)
    """By test."""
    tests: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    """By file and line; what runs as the modules are imported has the test of no name."""

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that reach the place of a mutant: those named after its module first, then the shortest."""
        mirror = f"test_{mutant.path.stem}.py::"
        return sorted(self._at(mutant) - {IMPORT}, key=lambda t: (mirror not in t, self.seconds.get(t, 0.0), t))

    def on_import(self, mutant: Mutant) -> bool:
        """Whether the place runs as the modules are imported."""
        return not mutant.in_function or IMPORT in self._at(mutant)

    def _at(self, mutant: Mutant) -> set[str]:
        by_line = self.tests.get(str(mutant.path), {})
        return set[str]().union(*(by_line.get(line, ()) for line in mutant.lines))


def measure(measured: coverage.Coverage, items: Sequence[pytest.Item], target: Path) -> None:
    """Run every test under a measurement that began before the imports; write what each reached to a file."""
    reach = Reach()
    for item, after in zip_longest(items, items[1:]):
        measured.switch_context(item.nodeid)
        begin = time.monotonic()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        reach.seconds[item.nodeid] = time.monotonic() - begin
    measured.stop()
    data = measured.get_data()
    for path in data.measured_files():
        reach.tests[path] = {line: set(tests) for line, tests in data.contexts_by_lineno(path).items()}
    target.write_bytes(pickle.dumps(reach))
