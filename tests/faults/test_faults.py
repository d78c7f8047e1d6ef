"""Every scenario, played with the unmodified SDK against the loopback backend, gets the verdict that is right."""

import pytest

from harness.judging.catalogue import catalogue
from tests.faults.run import judge, play, remove
from tests.faults.scenarios import AGAIN, BY_FAMILY, EVERY

SAMPLE = (
    "no-key", "offline-variable", "refused", "setting-unknown", "every-rank", "loss-renamed", "script-fails",
    "disk-full", "ok-plain",
)  # fmt: skip
"""One of most families, and a healthy job: `make test` plays these."""
MOST = 5
"""So many of a family are played in CI; the others are judged from their recordings, and played by `make test-all`."""
LONG = ("cut-off-while-it-logs-on",)
"""Waits for more than a minute, like others of its family that CI plays."""
LEFT_OUT = AGAIN.union(
    LONG,
    *({s.name for s in [s for s in scenarios if s.name not in AGAIN][MOST:]} for scenarios in BY_FAMILY.values()),
)


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.thorough] * (name in LEFT_OUT) + [pytest.mark.sample] * (name in SAMPLE)


PARAMS = [pytest.param(s, id=name, marks=marks_of(name)) for name, s in EVERY.items()]


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


def test_the_sample_is_of_scenarios_that_there_are():
    assert set(SAMPLE) <= set(EVERY)


def test_scenarios_have_names_of_their_own():
    assert sum(len(scenarios) for scenarios in BY_FAMILY.values()) == len(EVERY)


@pytest.mark.parametrize("family", ["credentials", "mode_and_sync", "versions"])
def test_the_catalogue_says_what_is_proven_here(family):
    played = {s.expect for s in BY_FAMILY[family] if s.expect}
    proven = {e.id for e in catalogue().values() if e.family == family and e.proof == "real_sdk"}
    assert proven == played
