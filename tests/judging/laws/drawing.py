"""Recordings that a property is tried on: read when a test draws one, not when it is collected."""

from collections.abc import Callable

from hypothesis import strategies as st

from harness.evidence.models import Evidence
from tests.faults.recorded import chosen, recordings


def names(fits: Callable[[Evidence], bool] | None = None) -> st.SearchStrategy[str]:
    """Names of recordings that fit."""
    return st.deferred(lambda: st.sampled_from(chosen(fits) if fits else sorted(recordings())))
