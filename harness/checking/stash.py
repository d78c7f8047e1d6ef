"""Where the verification lives in a pytest session."""

import pytest

from harness.verification.session import Session

KEY: pytest.StashKey[Session] = pytest.StashKey()


def session_of(config: pytest.Config) -> Session:
    """The verification of this pytest session."""
    return config.stash[KEY]
