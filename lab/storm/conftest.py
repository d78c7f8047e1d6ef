"""A short folder for each test: the SDK's helpers put sockets below TMPDIR, and a socket's path has 107 characters."""

import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="storm-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "site"
