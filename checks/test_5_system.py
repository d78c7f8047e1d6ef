"""System metrics: GPU, CPU, memory, disk and network are visible in W&B, also during execution."""

import pytest


@pytest.mark.parametrize("part", ["cpu", "memory", "disk", "network"])
def test_host_metrics_are_captured(part, metrics_of):
    """W&B recorded the host: CPU, memory, disk and network."""
    assert metrics_of(part).are_captured


def test_every_gpu_reports(system):
    """Every GPU of rank 0's node reports utilisation, memory, temperature; every first die its power."""
    assert system.cover_every_gpu


def test_gpus_were_used(system):
    """The GPUs worked: utilisation or memory above idle."""
    assert system.show_that_gpus_worked


def test_metrics_were_visible_while_running(system):
    """The first points and system metrics could be seen on the server before the job ended."""
    assert system.were_visible_while_running
