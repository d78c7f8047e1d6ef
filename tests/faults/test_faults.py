"""Every scenario, played with the unmodified SDK against the loopback backend, gets the verdict that is right."""

import pytest

from harness.judging.catalogue import catalogue
from tests.faults.run import judge, play, remove
from tests.faults.scenarios import AGAIN, BY_FAMILY, EVERY

PARAMS = [pytest.param(s, id=name, marks=[pytest.mark.thorough] * (name in AGAIN)) for name, s in EVERY.items()]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", PARAMS)
def test_scenario(scenario):
    if scenario.why_not and (reason := scenario.why_not()):
        pytest.skip(reason)
    played = play(scenario)
    judgement = judge(played)
    assert judgement.right, f"{judgement.result}: {'; '.join(judgement.problems)}\n{played.output}"
    remove(played)


def test_scenarios_expect_faults_of_the_catalogue():
    assert {s.expect for s in EVERY.values() if s.expect} <= {*catalogue(), "unknown"}


def test_scenarios_have_names_of_their_own():
    assert sum(len(scenarios) for scenarios in BY_FAMILY.values()) == len(EVERY)


@pytest.mark.parametrize("family", ["credentials", "mode_and_sync", "versions"])
def test_the_catalogue_says_what_is_proven_here(family):
    played = {s.expect for s in BY_FAMILY[family] if s.expect}
    proven = {e.id for e in catalogue().values() if e.family == family and e.proof == "real_sdk"}
    assert proven == played
