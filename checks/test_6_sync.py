"""Sync: what the job logged on disk is what the server has."""


def test_nothing_was_lost(run):
    """Rows, last step, summary, files and exit code are the same on disk and on the server."""
    assert run.lost_nothing
