"""What the machine did since the last step, on samples built by hand."""

import pytest

from harness.judging.live.activity import Samples, Series, activity, silent


def samples(every_s: float, **metrics: list[float]) -> Samples:
    """Samples so far apart."""
    return {k.replace("__", "."): Series([n * every_s for n in range(len(v))], v) for k, v in metrics.items()}


@pytest.mark.parametrize(
    ("every_s", "megabytes", "doing"), [(15, 40, "working"), (60, 40, "idle"), (60, 100, "working")]
)
def test_what_others_write_to_the_disk_is_no_work_of_the_job(every_s, megabytes, doing):
    cpu, written = [50.0] * 6 + [0.1] * 6, [float(megabytes * n) for n in range(12)]
    assert activity(samples(every_s, cpu=cpu, disk__vda__out=written), 5.5 * every_s)[0] == doing


def test_power_is_compared_with_that_of_training_and_not_of_rests():
    load, power = [0.0, 0.0, 0.0, 95.0] * 3 + [100.0] * 3, [90.0, 90.0, 90.0, 400.0] * 3 + [150.0] * 3
    told = samples(15, gpu__0__gpu=load, gpu__0__powerWatts=power)
    assert activity(told, 11.5 * 15)[0] == "spinning"


@pytest.mark.parametrize(("resumed_at", "named"), [(0.0, ("GPU 1",)), (270.0, ())])
def test_a_gpu_that_rested_while_no_step_came_is_not_silent(resumed_at, named):
    told = samples(15, gpu__0__gpu=[90.0] * 40, gpu__1__gpu=[90.0] * 30 + [0.0] * 10)
    assert silent(told, 600.0, resumed_at + 300.0) == named
