"""Keeps pytest's way to the properties of JUnit's whole suite until the verdict is known."""

from collections.abc import Callable

import pytest

from harness.checking.session import KEY


@pytest.fixture(scope="session", autouse=True)
def _suite_properties(pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]) -> None:
    if session := pytestconfig.stash.get(KEY, None):
        session.record_for_suite = record_testsuite_property
