"""System metrics: GPU, CPU, memory, disk and network are visible in W&B, also during execution."""

import pytest

pytestmark = pytest.mark.needs("test_init_succeeded")


@pytest.mark.parametrize("part", ["cpu", "memory", "disk", "network"])
def test_host_metrics_are_captured(part, host_metrics):
    """W&B recorded the host: CPU, memory, disk and network."""
    assert host_metrics(part), f"no {part} metric was recorded"


def test_every_gpu_reports(gpus, expected_gpus, gpu_gaps):
    """Every GPU of rank 0's node reports utilisation, memory, temperature; every first die its power."""
    assert len(gpus) >= expected_gpus.count, f"{len(gpus)} GPUs report, but {expected_gpus.reason}"
    assert not gpu_gaps, "; ".join(gpu_gaps[:4])


@pytest.mark.needs("test_every_gpu_reports")
def test_gpus_were_used(gpus):
    """The GPUs worked: utilisation or memory above idle."""
    assert any(gpu.used for gpu in gpus), "every GPU stayed idle: the job ran on the CPU, or not at all"


def test_metrics_were_visible_while_running(watch):
    """The first points and system metrics could be seen on the server before the job ended."""
    assert watch.first_point_s is not None, "no point of any metric could be seen while the job ran"
    assert watch.first_system_metric_s is not None, "no system metric could be seen while the job ran"
