"""A short part of the endurance; `python -m lab.storm.endurance` goes on for 200 verifications."""

import pytest

from lab.storm.endurance import LATENCY_S, Look, default_verification, endure, grown

STEADY = Look(memory_mb=90, files=3, sockets=0, threads=1, children=0, verdict="passed")


@pytest.mark.slow
def test_a_few_verifications_in_one_process_leave_nothing_open(place):
    looks = endure(4, place)
    assert grown(looks, warm=1) == []
    assert {(x.sockets, x.children, x.verdict) for x in looks} == {(0, 0, "passed")}


@pytest.mark.slow
def test_the_default_verification_passes_on_busy_cores_with_a_slow_server(place):
    assert default_verification(place, cores=2, latency_s=LATENCY_S) == "passed"


@pytest.mark.parametrize("change", [{"files": 4}, {"threads": 2}, {"memory_mb": 150}, {"verdict": "failed"}])
def test_what_grows_or_changes_is_told(change):
    worse = Look(**{**STEADY.__dict__, **change})
    assert grown([STEADY] * 10 + [STEADY], warm=10) == []
    assert len(grown([STEADY] * 10 + [worse], warm=10)) == 1
