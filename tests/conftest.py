"""Holds for all tests: signals mean what they mean in a terminal, and what is collected is no garbage."""

import gc

import pytest

from tests import terminal_signals


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Before anything is started."""
    terminal_signals.restore()
    gc.disable()


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end: the collector looked at all of them again and again."""
    gc.freeze()
    gc.enable()
