"""A few of the random moments; `python -m lab.storm.interruptions` plays fifty."""

import pytest

from lab.storm.interruptions import SIGNALS, Moment, interrupt, moments

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_while_the_job_runs_leaves_nothing(place, number):
    _, problems = interrupt(Moment(number, "  running", 3.0, builtin=False), place)
    assert problems == []


def test_a_signal_while_the_reports_are_made_leaves_nothing(place):
    _, problems = interrupt(Moment(SIGNALS[1], "test_2_job", 0.1, builtin=False), place)
    assert problems == []


def test_fifty_moments_meet_every_signal_in_every_phase():
    planned = moments(50, 8)
    assert len({(moment.number, moment.phase) for moment in planned}) == 20
    assert 0 < sum(moment.builtin for moment in planned) < 10
