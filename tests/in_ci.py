"""Which of many alike cases CI plays; `make test-all` plays every one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_in_ci(values: Iterable[Any], most: int = 1) -> list[Any]:
    """Values as parameters: those after the first are left out in CI."""
    return [pytest.param(v, marks=[pytest.mark.thorough] * (n >= most)) for n, v in enumerate(values)]


def ends_in_ci(*values: str) -> list[Any]:
    """Values as parameters: those between the first and the last are left out in CI."""
    return [pytest.param(v, marks=[pytest.mark.thorough] * (v not in (values[0], values[-1]))) for v in values]


def cases_in_ci(*cases: tuple[Any, ...]) -> list[Any]:
    """Cases of several parameters each: those after the first are left out in CI."""
    return [pytest.param(*case, marks=[pytest.mark.thorough] * (n > 0)) for n, case in enumerate(cases)]
