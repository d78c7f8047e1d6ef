"""What is kept of a run: the newest numbers, and the samples of each metric."""

from harness.watch.newest import Metrics, Numbers


def test_the_oldest_number_gives_way():
    numbers = Numbers(3)
    for n in range(5):
        numbers.add(n)
    assert (list(numbers), numbers.last) == ([2.0, 3.0, 4.0], 4.0)


def points(kept: Metrics) -> dict[str, list[tuple[float, float]]]:
    return {key: list(zip(*series, strict=True)) for key, series in kept.by_key().items()}


def test_an_answer_that_brings_the_same_again_is_no_sample():
    kept = Metrics(9)
    for at, load in enumerate((1.0, 1.0, 2.0, 3.0)):
        kept.add(at, {"cpu": load, "gpu.0.gpu": 100.0})
    assert points(kept) == {"cpu": [(0, 1.0), (2, 2.0), (3, 3.0)], "gpu.0.gpu": [(0, 100.0), (2, 100.0), (3, 100.0)]}
    assert list(kept.times) == [0, 2, 3]


def test_the_newest_samples_are_kept_and_a_few_of_long_ago():
    kept = Metrics(8)
    for at in range(100):
        kept.add(at, {"cpu": at, "gpu.0.gpu": 90.0})
    assert kept.times[0] == 0
    assert list(kept.times)[-4:] == [96, 97, 98, 99]
    assert len(kept.times) <= 8
    assert points(kept)["cpu"] == [(at, at) for at in kept.times]


def test_a_metric_may_come_later_or_be_missing():
    kept = Metrics(3)
    kept.add(1, {"cpu": 1.0})
    kept.add(2, {"cpu": 2.0, "gpu.0.gpu": 50.0})
    kept.add(3, {"gpu.0.gpu": 60.0})
    assert points(kept) == {"cpu": [(1, 1.0), (2, 2.0)], "gpu.0.gpu": [(2, 50.0), (3, 60.0)]}


def test_of_a_node_that_sends_nothing_any_more_the_last_samples_stay():
    kept = Metrics(2)
    kept.add(0, {"gpu.0.gpu/l:a": 90.0, "gpu.0.gpu/l:b": 90.0})
    assert kept.together
    for at in range(1, 9):
        kept.add(at, {"gpu.0.gpu/l:a": 80.0 + at})
    assert points(kept)["gpu.0.gpu/l:b"] == [(0, 90.0)]
    assert not kept.together
