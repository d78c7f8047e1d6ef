"""The scenarios, a file for each family with `SCENARIOS`; `EVERY` holds them all, healthy variants last."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from tests.faults.healthy import HEALTHY
from tests.faults.scenario import Scenario


def _families() -> dict[str, tuple[Scenario, ...]]:
    names = sorted(module.name for module in iter_modules(__path__))
    return {name: tuple(import_module(f"{__name__}.{name}").SCENARIOS) for name in names}


BY_FAMILY: dict[str, tuple[Scenario, ...]] = {**_families(), "healthy": HEALTHY}
EVERY: dict[str, Scenario] = {s.name: s for scenarios in BY_FAMILY.values() for s in scenarios}


def _again() -> Iterator[str]:
    seen: set[str] = set()
    for name, scenario in EVERY.items():
        if scenario.expect in seen or (scenario.expect is None and scenario.sdk):
            yield name
        elif scenario.expect:
            seen.add(scenario.expect)


AGAIN = frozenset(_again())
"""Scenarios whose fault another one before them injects in another way, and healthy jobs of older SDKs."""
