"""Which GPUs should have been seen: each source by itself, whose they are, and which node counts."""

import pytest

from harness.diagnosis.gpu_expectation import environment, expected_gpus, first_node
from harness.evidence.models import CommandProbe, Device, LibraryProbe, NodeTelemetry, RankSeen, Telemetry
from tests.diagnosis import build as b


def node(**facts):
    return NodeTelemetry(**{"host": "nid005001", "rank": 0, **facts})


def expected(**facts):
    return expected_gpus(b.evidence(telemetry=Telemetry(nodes=(node(**facts),))))


@pytest.mark.parametrize(
    ("facts", "count", "vendor"),
    [
        ({"devices": (Device(index=0, vendor="amd"),)}, 1, "amd"),
        ({"devices": (Device(index=0, vendor="nvidia"),), "nvidia_smi": True}, 1, "nvidia"),
        ({"torch_devices": 2}, 2, "unknown"),
        ({"initstate": "live", "torch_devices": 2}, 2, "amd"),
        ({"command": CommandProbe(cards=8), "library": LibraryProbe(devices=4)}, 8, "unknown"),
        ({"library": LibraryProbe(devices=4), "torch_devices": 1}, 4, "unknown"),
        ({"initstate": "live\n", "command": CommandProbe(path="/usr/bin/rocm-smi")}, 1, "amd"),
        ({"initstate": "live", "library": LibraryProbe(loadable=True)}, 1, "amd"),
    ],
)
def test_what_the_probe_counts(facts, count, vendor):
    found = expected(**facts)
    assert (found.count, found.vendor) == (count, vendor)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"initstate": "live"},  # a laptop's display
        {"initstate": "coming", "command": CommandProbe(path="/usr/bin/rocm-smi")},
        {"command": CommandProbe(path="/usr/bin/rocm-smi")},
    ],
)
def test_what_is_no_gpu(facts):
    assert expected(**facts) is None


def test_the_node_of_rank_0_counts():
    first, second = node(rank=1, host="a", torch_devices=8), node(rank=0, host="b", torch_devices=2)
    found = b.evidence(telemetry=Telemetry(nodes=(first, second)))
    assert first_node(found).host == "b"
    assert expected_gpus(found).count == 2
    assert first_node(b.evidence(telemetry=Telemetry(nodes=(first,)))).host == "a"
    assert first_node(b.evidence()) is None


def test_devices_that_the_ranks_of_the_first_node_name():
    ranks = (
        RankSeen(rank=0, world_size=3, host="a", device="cuda:0"),
        RankSeen(rank=1, world_size=3, host="a", device="cuda:1"),
        RankSeen(rank=2, world_size=3, host="b", device="cuda:0"),
    )
    assert expected_gpus(b.evidence(job=b.job(output=b.output(ranks=ranks)))).count == 2
    on_cpu = tuple(rank.model_copy(update={"device": "cpu"}) for rank in ranks)
    assert expected_gpus(b.evidence(job=b.job(output=b.output(ranks=on_cpu)))) is None


@pytest.mark.parametrize(
    ("metadata", "count", "vendor"),
    [
        ({"gpu_count": 4, "gpu": "AMD Instinct MI250X"}, 4, "amd"),
        ({"gpu_count": 4, "gpu_nvidia": [{"name": "H100"}]}, 4, "nvidia"),
        ({"gpu_count": "2", "slurm": {"gpus_on_node": "8"}}, 8, "unknown"),
    ],
)
def test_what_the_run_recorded(metadata, count, vendor):
    found = expected_gpus(b.evidence(server=b.server(b.server_run(metadata=metadata))))
    assert (found.count, found.vendor) == (count, vendor)


def test_no_run_has_no_environment():
    assert environment(b.no_run()) == {}
