"""Holds for all tests: signals mean what they mean in a terminal."""

import pytest

from tests import terminal_signals


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Before anything is started."""
    terminal_signals.restore()
