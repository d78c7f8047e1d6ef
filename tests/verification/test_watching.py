"""Watching a job: first sights count while it runs, and a job that hangs is told from one that works."""

import threading

import pytest

from harness.evidence.models import ServerReading, Trouble, Watch
from harness.verification.watching import Idleness, Poller, Sightings
from tests.judging.build import server, server_run, server_series


def test_sights_are_noted_once_with_the_time_of_asking():
    sightings = Sightings()
    sightings.note(server(), 1.0)
    sightings.note(server(server_run(series={})), 2.0)
    sightings.note(server(server_run(series={"loss": server_series("loss")})), 3.0)
    sightings.note(server(server_run()), 4.0)
    watch = sightings.watch(ended_s=5.0)
    assert (watch.polls, watch.run_visible_s, watch.first_point_s, watch.last_poll_s) == (4, 2.0, 3.0, 4.0)
    assert watch.first_system_metric_s is None


def test_a_look_that_failed_is_counted_and_proves_nothing():
    sightings = Sightings()
    sightings.note(ServerReading(status="failed", trouble=Trouble(kind="timeout", text="t")), 1.0)
    watch = sightings.watch(ended_s=5.0)
    assert (watch.polls, watch.failed_polls, watch.last_poll_s) == (1, 1, None)
    assert watch.troubles[0].kind == "timeout"


def test_a_look_before_the_project_exists_was_answered():
    sightings = Sightings()
    denied = Trouble(kind="not_found", text="Could not find project vit")
    sightings.note(ServerReading(status="failed", trouble=denied), 5.0)
    watch = sightings.watch(ended_s=8.0)
    assert (watch.polls, watch.failed_polls, watch.last_poll_s, watch.run_visible_s) == (1, 0, 5.0, None)


@pytest.mark.parametrize(
    ("watch", "blind"),
    [
        (Watch(polls=3, last_poll_s=2.0, job_ended_s=9.0), False),
        (Watch(polls=3, failed_polls=3, job_ended_s=9.0), True),
        (Watch(polls=3, failed_polls=1, last_poll_s=2.0, job_ended_s=19.0), True),
        (Watch(polls=3, failed_polls=1, last_poll_s=14.0, job_ended_s=19.0), False),  # looks come every 5 s
        (Watch(polls=1, last_poll_s=35.0, job_ended_s=45.0), True),  # a busy machine: the next look never ended
        (Watch(), False),
    ],
)
def test_a_watch_that_lost_sight_of_the_end_proves_nothing(watch, blind):
    assert watch.blind is blind


def test_a_look_that_is_never_answered_counts_as_failed():
    asked, answer = threading.Event(), threading.Event()

    def hang():
        asked.set()
        answer.wait(10)

    poller = Poller(hang, 0.0)
    poller.start()
    assert asked.wait(10)
    poller.stop(patience_s=0)
    _, reading = poller.readings.get(timeout=1)
    answer.set()
    assert (reading.status, reading.trouble.kind) == ("failed", "timeout")


def look(idleness, seconds, cpu, *, spoke=False):
    return idleness.look(seconds, spoke=spoke, cpu_seconds=lambda: cpu)


def test_a_silent_job_without_cpu_time_hangs_after_the_limit():
    idleness = Idleness(60, 0.0)
    assert [look(idleness, t, 1.0) for t in range(10, 70, 10)] == [None] * 6
    assert look(idleness, 80, 1.1) == 70.0


def test_a_silent_job_that_computes_does_not_hang():
    idleness = Idleness(60, 0.0)
    assert all(look(idleness, t, t * 0.5) is None for t in range(10, 300, 10))


def test_a_job_that_speaks_does_not_hang():
    idleness = Idleness(60, 0.0)
    assert all(look(idleness, t, 1.0, spoke=t % 50 == 0) is None for t in range(10, 300, 10))


def test_where_cpu_time_cannot_be_told_nothing_is_concluded():
    idleness = Idleness(60, 0.0)
    assert all(look(idleness, t, None) is None for t in range(10, 300, 10))
