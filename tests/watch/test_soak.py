"""Healthy rhythms raise no alarm, and real problems raise one in time, by a simulated clock."""

from __future__ import annotations

from statistics import median

import pytest

from tests.in_ci import each_third_in_quick
from tests.watch.simulated import Job, Pause, watched

VALIDATION = Pause(90, "validate", every=400)
CHECKPOINT = Pause(60, "checkpoint", every=500)
HEALTHY = (
    *(
        Job(f"steps of {s:g} s", step_s=s, lasts_s=max(1200.0, 60 * s))
        for s in (0.01, 0.05, 0.2, 0.5, 1, 2, 5, 10, 20, 40)
    ),
    *(Job(f"steps of {s:g} s", step_s=s, lasts_s=40 * s) for s in (60, 120, 180, 600, 2400)),
    *(Job(f"uneven steps of {s:g} s", step_s=s, spread=0.5, lasts_s=max(1800.0, 60 * s)) for s in (0.5, 5, 30, 120)),
    Job("long start", start_s=1500, start_kind="compile", lasts_s=4000),
    Job("long start, the data is fetched", start_s=1200, start_kind="idle", lasts_s=4000),
    Job("compile pause in the middle", pauses=(Pause(150, "compile", at=300),)),
    Job("compile pauses for new shapes", pauses=(Pause(40, "compile", at=3), Pause(120, "compile", at=250))),
    Job("validation", pauses=(VALIDATION,)),
    Job("long validation", pauses=(Pause(600, "validate", every=300),), lasts_s=7200),
    Job("validation of a fast training", step_s=0.02, pauses=(Pause(45, "validate", every=5000),)),
    Job("checkpoint stalls", pauses=(CHECKPOINT,)),
    Job("checkpoint of a large model", step_s=8, pauses=(Pause(200, "checkpoint", every=40),), lasts_s=7200),
    Job("checkpoints and validations", pauses=(CHECKPOINT, VALIDATION), lasts_s=5400),
    Job("rank 0 saves while the others wait", pauses=(Pause(120, "dead-rank", every=400),), lasts_s=3600),
    Job("requeued", requeued=((600, 1500),), lasts_s=3600),
    Job("requeued twice", requeued=((400, 460), (1200, 2400)), lasts_s=4800),
    Job("offline then synced", synced=True, step_s=0.05, lasts_s=600),
    Job("a long offline run is synced", synced=True, step_s=0.5, lasts_s=3600),
    Job("server away for 3 minutes", away=((700, 880),)),
    Job("server away for 3 minutes at the start", away=((10, 190),)),
    Job("server away for an hour", away=((700, 4300),), lasts_s=6000),
    Job("server away again and again", away=((300, 360), (600, 690), (900, 1080)), lasts_s=2400),
    Job("the way is cut for half a minute", cut_off=((700, 730),)),
    Job("laptop asleep", asleep=((600, 4200),), gpus=0, lasts_s=6000),
    Job("laptop asleep twice", asleep=((300, 900), (1500, 9000)), gpus=1, lasts_s=10_000),
    Job("one GPU", gpus=1, pauses=(VALIDATION,)),
    Job("no GPU", gpus=0, step_s=3, pauses=(Pause(60, "compile", every=100),)),
    Job("joined late", joined_s=3000, lasts_s=6000, pauses=(VALIDATION,)),
    Job("joined in a validation", joined_s=430, pauses=(VALIDATION,)),
    Job("a night", step_s=2, pauses=(Pause(120, "validate", every=1000),), lasts_s=8 * 3600),
    Job("sweep agents, one run after the other", step_s=0.3, lasts_s=240),
    Job("shared mode, uneven", step_s=1, spread=0.8, lasts_s=3600),
    Job("steps that get slower", step_s=4, spread=0.4, pauses=(Pause(30, "validate", every=50),), lasts_s=5400),
)  # fmt: skip

FRESH = (
    Job("rows in bursts of 20", step_s=1.5, together=20, lasts_s=3600),
    Job("one row an epoch of 8 minutes, uneven", step_s=480, spread=0.3, lasts_s=6 * 3600),
    Job("evaluation on one core", step_s=30, pauses=(Pause(300, "one core", every=20),), lasts_s=7200),
    Job("reinforcement learning: rollouts, then bursts", step_s=0.4, together=50,
        pauses=(Pause(60, "rollout", every=50),)),
    Job("sequences get longer", step_s=1, later_s=30, pauses=(Pause(200, "compile", every=400),), lasts_s=7200),
    Job("the next shard is downloaded in the middle", step_s=0.5,
        pauses=(Pause(240, "download", at=2000),), lasts_s=3000),
    Job("data is downloaded before the first step", start_s=2400, start_kind="download", lasts_s=4000),
    Job("from 0.1 s to 6 s a step", step_s=0.1, later_s=6, lasts_s=3600),
    Job("four nodes", nodes=4, pauses=(VALIDATION,), lasts_s=3600),
    Job("one GPU of eight is not used", unused=(7,), lasts_s=3600),
    Job("pipeline with bubbles", trains="bubbles", pauses=(VALIDATION,), lasts_s=3600),
    Job("rank 0 saves four minutes", step_s=2, pauses=(Pause(240, "dead-rank", every=300),), lasts_s=3600),
    Job("the watcher's clock is 2 minutes ahead", ahead_s=120, pauses=(VALIDATION,), lasts_s=3600),
    Job("the watcher's clock is an hour behind", ahead_s=-3600, pauses=(VALIDATION,), lasts_s=3600),
    Job("no system metrics, long validation", sample_s=None, pauses=(Pause(240, "validate", every=300),), lasts_s=3600),
    Job("samples every 2 minutes", sample_s=120, pauses=(VALIDATION,), lasts_s=3600),
    Job("rows are sent every 2 minutes, no GPU", upload_s=120, gpus=0, lasts_s=3600),
    Job("sanity check, then weights are downloaded", first_rows=3, start_s=900, start_kind="download", lasts_s=3600),
    Job("sanity check, then a long compilation", first_rows=4, start_s=1200, start_kind="compile", lasts_s=3600),
    Job("suspended by Slurm", suspended=((800, 1700),), lasts_s=3600),
    Job("final evaluation of half an hour", step_s=1, pauses=(Pause(1800, "validate", at=1000),), lasts_s=2900),
    Job("resumed after days, long start", step_s=2, start_s=700, start_kind="idle", requeued=((1500, 1560),),
        lasts_s=4000),
    Job("no power is told, checkpoints", power=False, pauses=(CHECKPOINT,), lasts_s=3600),
)  # fmt: skip
"""Written after the limits were set, and before anybody knew what came of them."""


STILL_FRESH = (
    Job("rank 0 evaluates and logs, the others rest", step_s=0.5,
        pauses=(Pause(150, "one alone", every=2000, row_s=3),), lasts_s=5400),
    Job("no system metrics, evaluated for 8 minutes after 50 minutes", sample_s=None,
        pauses=(Pause(480, "validate", at=3000),), lasts_s=5400),
    Job("text is generated for evaluation, at 100 % with less power", step_s=2,
        pauses=(Pause(150, "generate", every=200),), lasts_s=5400),
    Job("a row every 5 ms, the way is narrow", step_s=0.005, cut_off=((300, 345), (600, 650), (900, 960)),
        lasts_s=1500),
    Job("actor and critic take turns on halves of the GPUs", trains="halves", step_s=10, lasts_s=3600),
    Job("the job's clock is 10 minutes behind, no GPU", gpus=0, sample_s=None, step_s=2, job_ahead_s=-600,
        lasts_s=3600),
)  # fmt: skip
"""Of another 22, those that were wrong at first, and one of each kind that no other row shows."""


def broken(fault: str, fault_s: float = 1000.0, own_s: float = 15.0, **change: object) -> Job:
    """A job to which this happens after a while."""
    name = f"{fault} at {fault_s:g} s with {change}"
    return Job(name, fault=fault, fault_s=fault_s, own_s=own_s, **{"lasts_s": fault_s + 3000, **change})  # type: ignore[arg-type]


PROBLEMS = (
    *(broken("killed", step_s=s) for s in (0.01, 0.5, 2, 10)),
    broken("killed", step_s=120, fault_s=4000, own_s=30),
    broken("killed", fault_s=200), broken("killed", pauses=(VALIDATION,), fault_s=1900, own_s=15),
    *(broken("cut", step_s=s) for s in (0.1, 1, 5)), broken("cut", step_s=60, fault_s=2000, own_s=30),
    *(broken("spin", step_s=s) for s in (0.01, 0.3, 1, 4)),
    broken("spin", step_s=40, fault_s=3000, own_s=45), broken("spin", step_s=180, fault_s=8000, own_s=200),
    broken("spin", pauses=(VALIDATION,), fault_s=2000, own_s=90), broken("spin", fault_s=300),
    *(broken("idle", step_s=s) for s in (0.05, 1, 5)),
    broken("idle", gpus=0, step_s=1), broken("idle", gpus=1, step_s=0.2),
    broken("idle", step_s=90, fault_s=5000, own_s=110), broken("idle", pauses=(CHECKPOINT,), fault_s=2000, own_s=60),
    broken("dead-rank", own_s=100), broken("one-gpu-silent", own_s=60), broken("nan", own_s=15),
)  # fmt: skip
FRESH_PROBLEMS = (
    broken("killed", ahead_s=90, own_s=15),
    broken("killed", ahead_s=-600, own_s=15),
    broken("killed", away=((950, 1130),), own_s=120),
    broken("node-dead", nodes=4, own_s=100),
    broken("node-silent", nodes=2, own_s=60),
    broken("one core", step_s=1, own_s=600),
    broken("spin", power=False, own_s=100),
    broken("idle", sample_s=60, own_s=60),
    broken("spin", nodes=4, step_s=3, own_s=15),
    broken("spin", upload_s=120, own_s=120),
    broken("idle", together=20, step_s=1.5, own_s=30),
    broken("lost", requeued=((700, 1000),), own_s=120),
    broken("idle", fault_s=30, step_s=1, own_s=600),
    broken("dead-rank", power=False, step_s=5, own_s=100),
)  # fmt: skip


STILL_FRESH_PROBLEMS = (
    broken("spin", step_s=0.3, then=((500, 6.0),), own_s=15),
    broken("killed", gpus=0, trains="idle", step_s=20, tail=1.0, fault_s=3000, own_s=30),
    broken("idle", gpus=0, trains="idle", step_s=20, tail=1.0, fault_s=3000, own_s=240),
    broken("spin", step_s=2, pauses=(Pause(150, "generate", every=200),), fault_s=2500, own_s=150),
    broken("spin", requeued=((600, 700),), restart_s=300, fault_s=2000, own_s=100),
)  # fmt: skip


@pytest.mark.parametrize("job", each_third_in_quick((*HEALTHY, *FRESH, *STILL_FRESH)), ids=lambda job: job.name)
def test_a_healthy_rhythm_raises_no_alarm(job):
    assert watched(job) is None


@pytest.mark.parametrize(
    "job", each_third_in_quick((*PROBLEMS, *FRESH_PROBLEMS, *STILL_FRESH_PROBLEMS)), ids=lambda job: job.name
)
def test_a_problem_is_told_within_three_intervals(job):
    alarm = watched(job)
    assert alarm is not None
    assert job.fault_s <= alarm[0] <= job.fault_s + 3 * job.own_s + 30 + job.step_s, alarm


def test_there_are_enough_of_them():
    assert len(HEALTHY) >= 40
    assert len(PROBLEMS) >= 25
    waits = [alarm[0] - job.fault_s for job in (*PROBLEMS, *FRESH_PROBLEMS) if (alarm := watched(job))]
    assert median(waits) < 90
