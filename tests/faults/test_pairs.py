"""Two faults, or three, in one job: the root cause is one of them, each is told, and nothing is left unexplained."""

import pytest

from tests.faults.pairs import AROUND, PAIRS, SCRIPTS, THREE, problems
from tests.faults.recorded import verdict
from tests.faults.run import play, remove


@pytest.mark.parametrize("name", PAIRS)
def test_recorded(name):
    assert problems(PAIRS[name], verdict(name).model_dump(mode="json")) == []


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("scenario", PAIRS.values(), ids=PAIRS)
def test_played(scenario):
    if any(part.why_not and part.why_not() for part in scenario.parts):
        pytest.skip("this machine cannot play it")
    played = play(scenario)
    assert played.verdict, played.output
    assert problems(scenario, played.verdict) == [], played.output
    assert not played.leaks
    remove(played)


def test_there_are_enough_of_them():
    assert len(AROUND) * len(SCRIPTS) >= 60
    assert len(THREE) == 3
