"""Fixtures of the report's tests."""

import time

import pytest


@pytest.fixture
def benchmark_free_clock():
    """Measures a call by the processor's time, which other processes do not lengthen; the second call counts."""

    def measure(call):
        call()
        begun = time.process_time()
        result = call()
        return time.process_time() - begun, result

    return measure
