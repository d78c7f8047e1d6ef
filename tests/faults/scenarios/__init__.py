"""The scenarios, a file for each family with `SCENARIOS`; `EVERY` holds them all, healthy variants last."""

from importlib import import_module
from pkgutil import iter_modules

from tests.faults.healthy import HEALTHY
from tests.faults.scenario import Scenario


def _families() -> dict[str, tuple[Scenario, ...]]:
    names = sorted(module.name for module in iter_modules(__path__))
    return {name: tuple(import_module(f"{__name__}.{name}").SCENARIOS) for name in names}


BY_FAMILY: dict[str, tuple[Scenario, ...]] = {**_families(), "healthy": HEALTHY}
EVERY: dict[str, Scenario] = {s.name: s for scenarios in BY_FAMILY.values() for s in scenarios}
