"""Which cases `make quick`, `make test` and CI leave out; `make test-all` plays every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def real_part(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a real part of a stage, as where the SDK is imported: `make quick` leaves it out, `make test` plays it."""
    return pytest.mark.slow(pytest.mark.sample(function))


def first_in_ci(values: Iterable[Any], most: int = 1) -> list[Any]:
    """Values as parameters: those after the first are left out in CI."""
    return [pytest.param(v, marks=[pytest.mark.thorough] * (n >= most)) for n, v in enumerate(values)]


def ends_in_ci(*values: str) -> list[Any]:
    """Values as parameters: those between the first and the last are left out in CI."""
    return [pytest.param(v, marks=[pytest.mark.thorough] * (v not in (values[0], values[-1]))) for v in values]


def first_in_quick(values: Iterable[Any]) -> list[Any]:
    """Values as parameters, each a tuple of arguments: those after the first are left out in `make quick`."""
    return [pytest.param(*v, marks=[pytest.mark.slow] * (n > 0)) for n, v in enumerate(values)]


def cases_in_ci(*cases: tuple[Any, ...]) -> list[Any]:
    """Cases of several parameters each: those after the first are left out in CI."""
    return [pytest.param(*case, marks=[pytest.mark.thorough] * (n > 0)) for n, case in enumerate(cases)]


def each_third_in_quick(values: Iterable[Any]) -> list[Any]:
    """Values as parameters, many of them alike: two of three are left out in `make quick`."""
    return [pytest.param(v, marks=[pytest.mark.slow] * (n % 3 > 0)) for n, v in enumerate(values)]
