"""What looks odd in healthy system metrics is said where it is so, and nowhere else."""

import pytest

from harness.evidence.models import Request
from harness.judging.families.system_metrics.remarks import RULES
from tests.judging import build as b
from tests.judging.gpu_runs import HOST, gcds, laptop, lumi, node, rocm_smi

ZERO = (0.0, 0.0, 0.0)
EVERY_GCD = "GPU 0, 1, 2, 3, 4, 5, 6, 7"
SECOND_DIE = {"sys-mi250x-second-die-power": ("GCDs 1, 3, 5, 7 report no power; the first die of each module does.",)}
FULL = {**HOST, "memory_percent": (50.0, 95.0)}
OF_THE_LIMIT = {"sys-cgroup-semantics": ("memory_percent reached 95 %.",)}
ROCM5 = node(command=rocm_smi(rocm_generation="5"))
SLOW = node(command=rocm_smi(seconds=4.0))
SHORT = {name: values[:1] for name, values in gcds(busy=(90.0,), power=(400.0,)).items()}
NOISE = "WARNING: No AMD GPUs specified"


def powered(memory=(1.0, 40.0, 41.0)):
    """GCDs of which each has a power sensor."""
    return {**HOST, **gcds(memory=memory, power=(95.0, 400.0, 450.0))}


def little(maximum):
    return {"sys-rocm5-mem-semantics": (f"{EVERY_GCD} worked with less than 1 % of memory, by ROCm {maximum}.",)}


REMARKS = {
    "MI250X": (lumi({**HOST, **gcds()}), SECOND_DIE),
    "a power sensor on each die": (lumi(powered()), {}),
    "no power at all": (lumi({**HOST, **gcds(power=ZERO)}), {}),
    "power not told at all": (lumi({**HOST, **gcds(power=())}), {}),
    "no GPU": (laptop(HOST), {}),
    "more GPUs than ranks": (
        lumi(powered(), nproc=2), {"sys-all-8-gcds": ("8 GPUs report; the job has 2 ranks on each node.",)},
    ),
    "more GPUs than the one rank": (
        lumi(powered(), nproc=1), {"sys-all-8-gcds": ("8 GPUs report; the job has 1 rank on each node.",)},
    ),
    "several nodes": (
        lumi(powered(), nodes=2), {"sys-only-rank0-node": ("8 GPUs report; the job has 2 nodes.",)},
    ),
    "several nodes, no GPU": (lumi(HOST, nodes=2), {}),
    "several nodes that all report": (
        lumi({f"{name}/l:{label}": v for name, v in powered().items() for label in ("node0", "node1")}, nodes=2), {},
    ),
    "no temperature": (
        lumi({**HOST, **gcds(power=(400.0,), temp=ZERO)}),
        {"sys-zero-means-missing": (f"{EVERY_GCD} worked at a temperature of 0.",)},
    ),
    "no temperature, no work": (lumi({**HOST, **gcds(busy=ZERO, memory=ZERO, temp=ZERO, power=(95.0,))}), {}),
    "temperature not told": (lumi({**HOST, **gcds(power=(400.0,), temp=())}), {}),
    "ROCm 5, little memory": (lumi(powered((0.0, 0.2, 0.4)), at=ROCM5), little("5")),
    "ROCm 5, memory never busy": (lumi(powered(ZERO), at=ROCM5), little("5")),
    "ROCm 5, last SDK that runs rocm-smi": (lumi(powered(ZERO), at=ROCM5, sdk="0.30.0"), little("5")),
    "ROCm 5, SDK that reads the library": (lumi(powered(ZERO), at=ROCM5, sdk="0.31.0"), {}),
    "ROCm 5, memory in use": (lumi(powered(), at=ROCM5), {}),
    "ROCm 5, one per cent": (lumi(powered((1.0, 1.0, 1.0)), at=ROCM5), {}),
    "ROCm 5, memory not told": (lumi(powered(()), at=ROCM5), {}),
    "ROCm 5, idle": (lumi({**HOST, **gcds(busy=ZERO, memory=ZERO, power=(95.0,))}, at=ROCM5), {}),
    "ROCm 6.0": (lumi(powered(ZERO), at=node(command=rocm_smi(rocm_generation="6.0"))), little("6.0")),
    "ROCm 6.1, which tells how full it is": (lumi(powered(ZERO), at=node()), {}),
    "a slow tool that costs samples": (
        lumi({**HOST, **SHORT}, at=SLOW),
        {"sys-slow-rocm-smi": ("rocm-smi takes 4.0 s.", "1 GPU samples against 3 of memory.")},
    ),
    "a slow tool that costs none": (lumi(powered(), at=SLOW), {}),
    "a slow tool that costs half of them": (
        lumi({**HOST, **SHORT, "memory_percent": (40.0, 41.0)}, at=SLOW), {},
    ),
    "few samples of a fast tool": (lumi({**HOST, **SHORT}, at=node()), {}),
    "few samples, nobody probed": (lumi({**HOST, **SHORT}), {}),
    "a slow tool that the SDK does not run": (lumi({**HOST, **SHORT}, at=SLOW, sdk="0.31.0"), {}),
    "a slow tool, no GPU": (lumi(HOST, at=SLOW), {}),
    "a slow tool, nothing of the host": (lumi(SHORT, at=SLOW), {}),
    "a noisy tool": (
        lumi(powered(), sdk="0.16.6", job=b.job(NOISE, NOISE)), {"sys-rocm-smi-stderr-ok": (NOISE,)},
    ),
    "a tool that spoke once": (lumi(powered(), sdk="0.16.6", job=b.job(NOISE)), {}),
    "noise, newer SDK": (lumi(powered(), sdk="0.17.0", job=b.job(NOISE, NOISE)), {}),
    "memory of the job's limit": (lumi(FULL, sdk="0.27.0"), OF_THE_LIMIT),
    "memory of the node, older SDK": (lumi(FULL, sdk="0.26.1"), {}),
    "memory of a laptop": (laptop(FULL), {}),
    "memory far from its limit": (lumi(HOST), {}),
    "memory not told": (lumi({"cpu": (5.0,)}), {}),
    "memory, SDK not known": (
        lumi(FULL, sdk="", setup=b.setup(python=None), request=Request(target="slurm", server="real")), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "remarks"), REMARKS.values(), ids=REMARKS)
def test_remarks(found, remarks):
    assert {fault: hit.observed for fault, hit in b.hits(RULES, found).items()} == remarks


def test_advice_for_a_slow_tool_gives_it_twice_its_time():
    hit = b.hits(RULES, lumi({**HOST, **SHORT}, at=SLOW))["sys-slow-rocm-smi"]
    assert hit.values == {"slow_interval": "8"}
