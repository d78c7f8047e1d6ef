"""Which GPUs should have been seen: each source by itself, whose they are, and which node counts."""

import pytest

from harness.evidence.models import CommandProbe, Device, LibraryProbe, NodeTelemetry, RankSeen, Request, Telemetry
from harness.evidence.models.wandb_log import LocalEnvironment
from harness.judging.expected_gpus import environment, expected_gpus, first_node
from tests.judging import build as b


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
    places = (("a", 0), ("b", 0), ("a", 1), ("b", 1), ("b", 2))
    ranks = tuple(
        RankSeen(rank=n, world_size=5, host=host, device=f"cuda:{gpu}") for n, (host, gpu) in enumerate(places)
    )
    assert expected_gpus(b.evidence(job=b.job(output=b.output(ranks=ranks)))).count == 2
    on_cpu = tuple(rank.model_copy(update={"device": "cpu"}) for rank in ranks)
    assert expected_gpus(b.evidence(job=b.job(output=b.output(ranks=on_cpu)))) is None


@pytest.mark.parametrize(
    ("metadata", "count", "vendor", "reason"),
    [
        ({"gpu_count": 4, "gpu": "AMD Instinct MI250X"}, 4, "amd", "the run's metadata counts 4 GPUs"),
        ({"gpu_count": 4, "gpu_amd": [{"model": "MI250X"}]}, 4, "amd", "the run's metadata counts 4 GPUs"),
        ({"gpu_count": 4, "gpuAmd": [{"model": "MI250X"}]}, 4, "amd", "the run's metadata counts 4 GPUs"),
        ({"gpu_count": 4, "gpu_nvidia": [{"name": "H100"}]}, 4, "nvidia", "the run's metadata counts 4 GPUs"),
        ({"gpu_count": "2", "slurm": {"gpus_on_node": "8"}}, 8, "unknown", "SLURM_GPUS_ON_NODE was 8 in the job"),
        ({"gpu_count": "4", "slurm": {"gpus_on_node": "2"}}, 4, "unknown", "the run's metadata counts 4 GPUs"),
    ],
)
def test_what_the_run_recorded(metadata, count, vendor, reason):
    found = expected_gpus(b.evidence(server=b.server(b.server_run(metadata=metadata))))
    assert (found.count, found.vendor, found.reason) == (count, vendor, reason)


@pytest.mark.parametrize("odd", [None, True, "", "many", -1, 4.5, "²", [4]])
def test_what_is_no_count_counts_nothing(odd):
    assert expected_gpus(b.evidence(server=b.server(b.server_run(metadata={"gpu_count": odd})))) is None


def test_a_folder_tells_of_gpus_by_its_environment_record_and_else_by_its_metadata():
    def folder(record, metadata):
        run = b.local_run(log=b.log(environment=LocalEnvironment(**record)), metadata=metadata)
        return expected_gpus(b.evidence(request=Request(source="run_dir", server="none"), local=b.local(run)))

    assert folder({"gpu_count": 8, "gpu": "AMD Instinct MI250X"}, {"gpu_count": 2}).count == 8
    assert folder({"host": "nid005001"}, {"gpu_count": 2}).count == 2


def test_a_gpu_that_reports_is_there():
    system = {"system.gpu.0.memoryOverDrive": b.system("gpu.0.memoryOverDrive", (0.0,))}
    found = expected_gpus(b.evidence(server=b.server(b.server_run(system=system))))
    assert (found.count, found.vendor, found.reason) == (1, "amd", "1 GPUs report")


def test_no_run_has_no_environment():
    assert environment(b.no_run()) == {}
