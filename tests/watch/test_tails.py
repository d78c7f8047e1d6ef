"""Runs whose steps spread over orders of magnitude, by a simulated clock: their own pauses set the limits."""

from __future__ import annotations

import pytest

from tests.watch.simulated import Job, Pause, Stall, watched
from tests.watch.test_soak import broken


def stalls(every: int, low: float, high: float, kind: str = "download") -> tuple[Stall]:
    """One of so many steps waits for its data for so long."""
    return (Stall(1 / every, low, high, kind=kind),)


MINUTES = stalls(300, 120, 300)
HEALTHY = (
    Job("log-normal, the GPUs rest meanwhile", tail=1.5, tail_kind="idle", lasts_s=3600),
    Job("log-normal, around 5 s", step_s=5, tail=1.0, tail_kind="idle", lasts_s=3600),
    Job("log-normal, agents without a GPU", tail=1.5, gpus=0, trains="idle", lasts_s=3600),
    Job("log-normal, joined late", joined_s=3000, tail=1.5, tail_kind="idle", lasts_s=6000),
    Job("log-normal, and the server is away", tail=1.5, tail_kind="idle", away=((900, 1100),), lasts_s=3600),
    Job("2 to 5 minutes for data", stalls=MINUTES, lasts_s=3600),
    Job("2 to 5 minutes for data of one rank", stalls=stalls(300, 120, 300, "dead-rank"), lasts_s=5400),
    Job("rank 0 evaluates now and then", stalls=stalls(400, 60, 200, "one alone"), lasts_s=3600),
    Job(
        "one rank waits for its data a third of the time",
        stalls=(Stall(1 / 60, 8, 900, 1.4, "dead-rank"),),
        power=False,
        lasts_s=5400,
    ),
    Job("half a minute to a minute and a half", step_s=0.3, stalls=stalls(100, 30, 90), lasts_s=3600),
    Job("1 to 4 minutes among steps of 10 s", step_s=10, stalls=stalls(60, 60, 240), lasts_s=7200),
    Job("a tail of data", stalls=(Stall(1 / 50, 5, 900, 1.2, "download"),), lasts_s=3600),
    Job("workers start again each epoch", step_s=0.5, pauses=(Pause(90, "download", every=500),), lasts_s=3600),
    Job("the watcher's clock is ahead", ahead_s=90, stalls=stalls(300, 60, 200), lasts_s=3600),
    Job("samples every 30 s", sample_s=30, stalls=stalls(300, 60, 200), lasts_s=3600),
)
PROBLEMS = (
    broken("idle", 3000, 300, stalls=MINUTES),
    broken("spin", 3000, 300, stalls=MINUTES),
    broken("killed", 3000, 30, stalls=MINUTES),
    broken("killed", 3000, 30, tail=1.5, tail_kind="idle"),
    broken("idle", 3000, 100, step_s=0.3, stalls=stalls(100, 30, 100)),
    broken("spin", 3000, 80, step_s=0.4, together=50, pauses=(Pause(60, "rollout", every=50),)),
    broken("one-gpu-silent", 3000, 100, stalls=stalls(300, 40, 100)),
    broken("idle", 400, 15),
    broken("spin", 500, 15),
)  # fmt: skip
"""The interval is the longest pause of each."""


@pytest.mark.parametrize("job", HEALTHY, ids=lambda job: job.name)
def test_a_pause_like_those_before_raises_no_alarm(job):
    assert watched(job) is None


@pytest.mark.parametrize("job", PROBLEMS, ids=lambda job: job.name)
def test_a_problem_among_such_pauses_is_told(job):
    alarm = watched(job)
    assert alarm is not None
    assert job.fault_s <= alarm[0] <= job.fault_s + 3 * job.own_s + 30 + job.step_s, alarm
