"""Every pair of faults, merged and judged: the root cause is one of the two, both are told, nothing is unknown."""

from collections import Counter

import pytest

from tests.judging.pairs.table import faults, row

FAULTS = faults()


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[f.id for f in FAULTS])
def test_a_fault_beside_every_other(number):
    # Every second fault before this one and every second one after it: rows of about the same length.
    others = [place for place in range(len(FAULTS)) if place != number and _is_ours(number, place)]
    rows = [row(FAULTS[min(number, other)], FAULTS[max(number, other)]) for other in others]
    assert [f"{r.why}: {r.one.name} and {r.other.name}" for r in rows if r.result == "wrong"] == []


def _is_ours(number: int, place: int) -> bool:
    return (place - number) % 2 == (1 if place > number else 0)


def test_every_pair_is_some_fault_s():
    ours = Counter(
        frozenset((n, p)) for n in range(len(FAULTS)) for p in range(len(FAULTS)) if n != p and _is_ours(n, p)
    )
    assert len(ours) == len(FAULTS) * (len(FAULTS) - 1) // 2
    assert set(ours.values()) == {1}
