"""Sync: what the job logged on disk is what the server has."""

import pytest


@pytest.mark.needs("test_init_succeeded")
def test_nothing_was_lost(losses):
    """Rows, last step, summary, files and exit code are the same on disk and on the server."""
    assert not losses, "; ".join(losses)
