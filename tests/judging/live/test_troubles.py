"""Where the layers of a running job part, on signs built by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judging.live.life import Beat, Life
from harness.judging.live.rhythm import Rhythm, gaps_by_step, rhythm, spread_of
from harness.judging.live.troubles import deadline, doubt_s, troubles

NOW = 10_000.0
PACE = Rhythm(0.5, 0.1, 1.0, 100)
SAMPLES = Rhythm(15.0, 0.0, 15.0, 40)


def life(step: float = 5.0, heard: float = 5.0, sampled: float = 5.0, rows: int = 900, **change: Any) -> Life:
    """Signs that are so many seconds old."""
    given: dict[str, Any] = {
        "now": NOW, "begun_at": NOW - 1000, "heartbeat": Beat(NOW - heard), "steps": Beat(NOW - step, PACE, rows),
        "system": Beat(NOW - sampled, SAMPLES, 40),
    }  # fmt: skip
    return Life(**{**given, **change})


@pytest.mark.parametrize(
    ("signs", "fault"),
    [
        (life(), None),
        (life(step=69, heard=69), None),
        (life(step=71, heard=71), "live-no-heartbeat"),
        (life(step=71, activity="idle"), "live-no-steps"),
        (life(step=71, activity="spinning"), "live-no-steps"),
        (life(step=71, activity="working"), None),
        (life(step=290, activity="unknown"), None),
        (life(step=301, activity="unknown"), "live-no-steps"),
        (life(step=301, activity="busy"), "live-no-steps"),
        (life(step=301, activity="idle", output=Beat(NOW - 3.0)), None),
        (life(step=301, activity="idle", synced_later=True), None),
        (life(step=301, activity="idle", scheduler="PENDING"), None),
        (life(step=200, heard=200, disk=Beat(NOW - 1, PACE, 1300)), "live-not-uploaded"),
        (life(step=200, heard=5, disk=Beat(NOW - 1, PACE, 1300)), "live-not-uploaded"),
        (life(step=20, heard=5, disk=Beat(NOW - 1, PACE, 940)), None),
        (life(process="gone", scheduler="RUNNING"), "live-process-gone"),
        (life(heard=71, scheduler="NODE_FAIL"), "live-process-gone"),
        (life(silent=("GPU 3",)), "live-silent-gpus"),
        (life(step=100, silent=("GPU 3",), activity="busy"), None),
        (life(step=400, heard=400, away=((NOW - 390, NOW - 10),)), None),
        (life(step=400, heard=400, away=((NOW - 600, NOW - 390),)), "live-no-heartbeat"),
        (life(step=3000, rows=2, activity="idle"), "live-no-steps"),
        (life(step=1000, rows=2, activity="idle"), None),
    ],
)
def test_the_layer_that_broke_is_named(signs, fault):
    assert [t.id for t in troubles(signs)] == ([fault] if fault else [])


def test_a_long_step_and_a_long_pause_are_waited_for():
    slow = Rhythm(2400.0, 60.0, 2500.0, 12)
    assert troubles(life(step=7000, activity="idle", steps=Beat(NOW - 7000, slow, 12))) == ()
    assert troubles(life(activity="idle", steps=Beat(NOW - 7500, slow, 12)))[0].id == "live-no-steps"
    paused = Rhythm(0.5, 0.1, 600.0, 100)
    assert troubles(life(activity="idle", steps=Beat(NOW - 900, paused, 900))) == ()


def test_it_is_known_when_the_next_sign_is_due():
    assert deadline(life(step=10, heard=20)) == NOW + 50.0
    assert doubt_s(life()) is None
    assert doubt_s(life(step=40, heard=40)) == 30.0
    assert doubt_s(life(step=40, activity="working")) is None


def test_the_first_steps_make_no_rhythm():
    assert rhythm((300.0, 40.0, 0.5, 0.5, 0.6)) == Rhythm(0.5, 0.0, 0.6, 5)
    assert rhythm(()) is None


@pytest.mark.parametrize(
    ("pauses", "least", "most"),
    [
        ((), 0.0, 0.0),
        ((90.0,), 0.2, 0.3),
        ((92.0, 91.0, 90.0, 90.0, 89.0), 0.0, 0.15),
        ((600.0, 61.0, 60.0, 60.0, 59.0, 59.0), 0.0, 0.15),
        ((290.0, 280.0, 275.0, 270.0, 200.0, 180.0, 120.0), 0.0, 0.4),
        ((180.0, 100.0, 60.0, 40.0, 30.0, 22.0, 18.0), 0.6, 1.2),
    ],
    ids=["none", "one", "alike", "of two sorts", "with an end", "with a tail"],
)
def test_it_is_known_how_far_the_longest_pauses_lie_apart(pauses, least, most):
    assert least <= spread_of(pauses) <= most


def test_a_run_that_paused_for_ever_longer_is_waited_for_the_longer():
    body = [1.0] * 200
    even, tail = rhythm([*body, *[60.0] * 6]), rhythm([*body, 60.0, 40.0, 25.0, 16.0, 10.0, 7.0])
    assert even.patience_s < 130
    assert tail.patience_s > 250


def test_a_pause_between_two_points_of_a_sample_counts_as_a_whole():
    assert max(gaps_by_step([0, 10, 20, 30, 40], [0, 5, 10, 75, 80])) == pytest.approx(60.5)
