"""The first, the last, and few of what looks alike."""

from harness.evidence.output.bounded import Kept


def test_the_first_and_the_last_stay() -> None:
    kept: Kept[int] = Kept(first=2, last=3)
    for n in range(10):
        assert kept.add(n)
    assert kept.items() == [0, 1, 7, 8, 9]
    assert (kept.total, kept.newest) == (10, 9)


def test_of_each_shape_only_a_few_stay() -> None:
    kept: Kept[str] = Kept(first=10, last=10, alike=2)
    assert [kept.add(f"{s}{n}", s) for n in range(3) for s in "ab"] == [True] * 4 + [False] * 2
    assert kept.items() == ["a0", "b0", "a1", "b1"]


def test_nothing_is_kept_of_nothing() -> None:
    kept: Kept[int] = Kept(first=1, last=1)
    assert kept.items() == []
    assert kept.newest is None
