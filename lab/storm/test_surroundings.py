"""Two of the surroundings; `python -m lab.storm.surroundings` plays all."""

import pytest

from lab.storm.surroundings import CONDITIONS, Condition, Plan, environment, odd_paths, play

pytestmark = pytest.mark.slow


def harmless(plan: Plan) -> None:
    """Several at once that should have no effect: odd paths, an ASCII terminal, no home."""
    odd_paths(plan)
    environment(PYTHONIOENCODING="ascii", HOME="/nonexistent/home")(plan)


def test_odd_paths_an_ascii_terminal_and_no_home_have_no_effect(place):
    _, problems = play(Condition("harmless", harmless), place)
    assert problems == []


def test_a_disk_without_room_for_reports_costs_no_verdict(place):
    condition = next(c for c in CONDITIONS if c.name == "full disk, reports")
    if why := condition.why_not():
        pytest.skip(why)
    _, problems = play(condition, place)
    assert problems == []
