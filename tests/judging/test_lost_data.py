"""Which layer lost data, by what is known of the end."""

import pytest

from harness.judging.lost_data import layer
from harness.judging.view import SETTLES_S
from tests.judging.build import evidence, job, local_run, server, server_run


@pytest.mark.parametrize(
    ("ended_at", "found"),
    [
        (1000.0 - SETTLES_S, "sent and not readable yet"),
        (999.0 - SETTLES_S, "sent and not there"),
        (None, "sent and not there"),
    ],
)
def test_what_was_sent_a_moment_ago_may_not_be_readable_yet(ended_at, found):
    seen = evidence(job=job(ended_at=ended_at), created_at=1000.0)
    assert layer(local_run(), server_run(heartbeat_at=None), seen).layer == found


@pytest.mark.parametrize(
    ("ended_at", "waited_s", "why"),
    [
        (995.0, 0.4, "asked 5 s after the end"),
        (995.0, 1.0, "asked 5 s after the end, after 1 s of waiting"),
        (1010.0, 0.0, "asked 0 s after the end"),
    ],
    ids=["read at once", "waited for", "by clocks that differ"],
)
def test_how_soon_the_server_was_asked_is_told(ended_at, waited_s, why):
    reading = server(server_run(), waited_s=waited_s)
    seen = evidence(job=job(ended_at=ended_at), server=reading, created_at=1000.0)
    assert layer(local_run(), server_run(), seen).why == why


def test_without_a_time_of_asking_nothing_is_said_to_be_late():
    seen = evidence(job=job(ended_at=1000.0), created_at=0.0)
    assert layer(local_run(), server_run(), seen).layer == "sent and not there"
