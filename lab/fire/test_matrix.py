"""A part of the matrix: each request that a verification makes goes wrong, and what is said stays right."""

from collections import Counter

import pytest

from lab.fire.cells import EVERY, KINDS, REFUSED, cells, some
from lab.fire.matrix import play_all, recorded, survey

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recording():
    with recorded() as found:
        yield found


@pytest.fixture(scope="module")
def requests(recording):
    return survey(recording)


@pytest.fixture(scope="module")
def part(requests):
    return some(list(cells(requests)))


def test_each_request_and_each_kind_of_trouble_is_played(requests, part):
    # The requests are those that were seen: one that a change adds is in here without anybody's doing.
    assert {phase for phase, _ in requests} == {"preflight", "polling", "collecting", "run"}
    played = {(cell.phase, cell.request) for cell in part}
    assert played == {*requests, *((phase, EVERY) for phase, _ in requests)}
    assert set(Counter(cell.kind for cell in part)) == {*KINDS, REFUSED}


@pytest.mark.thorough  # minutes of waiting, and sensitive to a busy machine
def test_trouble_of_the_reader_is_no_verdict_on_the_run(recording, part):
    results = list(play_all(recording, part, workers=4))
    assert len(results) == len(part)
    wrong = [f"{r.cell}: {r.verdict} ({r.cause}): {'; '.join(r.problems)}" for r in results if r.problems]
    assert not wrong
    assert sum(r.hits > 0 for r in results) > 0.9 * len(results), "most cells hit nothing"
