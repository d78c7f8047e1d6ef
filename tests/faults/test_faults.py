"""Every scenario, played with the unmodified SDK against the loopback backend, gets the verdict that is right."""

import pytest

from harness.diagnosis.entries import catalogue
from tests.faults.run import judge, play, remove
from tests.faults.scenarios import EVERY


@pytest.mark.slow
@pytest.mark.parametrize("scenario", EVERY.values(), ids=EVERY)
def test_scenario(scenario):
    played = play(scenario)
    judgement = judge(played)
    assert judgement.right, f"{judgement.result}: {'; '.join(judgement.problems)}\n{played.output}"
    remove(played)


def test_scenarios_expect_faults_of_the_catalogue():
    assert {s.expect for s in EVERY.values() if s.expect} <= set(catalogue())
