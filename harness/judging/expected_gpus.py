"""Says which GPUs W&B should have seen: from the probe in the job, the request, or the run's own environment."""

from dataclasses import dataclass

from harness.evidence.models import Evidence, JsonValue, LocalRun, NodeTelemetry
from harness.judging.metric_series import main_run
from harness.judging.once import once
from harness.judging.system_series import Vendor, gpus


@dataclass(frozen=True)
class GpuExpectation:
    """How many GPUs the node of rank 0 has at least, whose they are, and how that is known."""

    count: int
    vendor: Vendor
    reason: str


@once
def expected_gpus(evidence: Evidence) -> GpuExpectation | None:
    """Return what should be there, or None where nothing says that the job had a GPU.

    The SDK samples only the node of the process that called `wandb.init()`, and on AMD every GCD that the tool sees,
    whatever ROCR_VISIBLE_DEVICES says; so each source gives a lower bound for one node, and the highest one counts: a
    job step may see fewer GPUs than the job asked for.
    """
    candidates = (
        _probed(evidence),
        _asked_of_slurm(evidence),
        _recorded(evidence),
        _told_by_ranks(evidence),
        _seen(evidence),
    )
    return max((c for c in candidates if c is not None and c.count > 0), key=lambda c: c.count, default=None)


def first_node(evidence: Evidence) -> NodeTelemetry | None:
    """Return the probe of the node that W&B samples: the one of rank 0."""
    nodes = evidence.telemetry.nodes
    return next((n for n in nodes if n.rank == 0), nodes[0] if nodes else None)


def environment(evidence: Evidence) -> dict[str, JsonValue]:
    """Return the main run's recorded environment with the names of wandb-metadata.json, newest source first."""
    run = main_run(evidence)
    if run is None:
        return {}
    if isinstance(run, LocalRun) and run.log.environment is not None:
        record = run.log.environment
        return run.metadata | record.model_dump(exclude_defaults=True)
    return run.metadata


def _probed(evidence: Evidence) -> GpuExpectation | None:
    node = first_node(evidence)
    if node is None:
        return None
    counts = (
        len(node.devices),
        node.command.cards if node.command else 0,
        node.library.devices if node.library else 0,
        node.torch_devices or 0,
    )
    amd = node.initstate is not None or any(d.vendor == "amd" for d in node.devices)
    vendor: Vendor = "amd" if amd else "nvidia" if node.nvidia_smi else "unknown"
    # A live driver alone may be that of a laptop's display; beside ROCm's tools it means at least one GPU.
    tools = bool(node.command and node.command.path) or bool(node.library and node.library.loadable)
    if max(counts) == 0 and tools and (node.initstate or "").strip() == "live":
        return GpuExpectation(1, "amd", f"node {node.host} has AMD's driver and its tools")
    return GpuExpectation(max(counts), vendor, f"node {node.host} has {max(counts)} GPUs")


def _asked_of_slurm(evidence: Evidence) -> GpuExpectation | None:
    request = evidence.request
    if request.source != "job" or request.target != "slurm" or request.job_kind == "batch" or not request.nproc:
        return None
    return GpuExpectation(request.nproc, "amd", f"the job asked Slurm for {request.nproc} GPUs on each node")


def _recorded(evidence: Evidence) -> GpuExpectation | None:
    found = environment(evidence)
    slurm = found.get("slurm") or {}
    asked = str(slurm.get("gpus_on_node", "")) if isinstance(slurm, dict) else ""
    counted, given = _int(found.get("gpu_count")), _int(asked)
    count = max(counted, given)
    amd = bool(found.get("gpu_amd") or found.get("gpuAmd")) or "AMD" in str(found.get("gpu", "")).upper()
    nvidia = bool(found.get("gpu_nvidia") or found.get("gpuNvidia"))
    vendor: Vendor = "amd" if amd else "nvidia" if nvidia else "unknown"
    how = (
        f"SLURM_GPUS_ON_NODE was {given} in the job" if given > counted else f"the run's metadata counts {counted} GPUs"
    )
    return GpuExpectation(count, vendor, how)


def _told_by_ranks(evidence: Evidence) -> GpuExpectation | None:
    ranks = evidence.job.output.ranks if evidence.job else ()
    hosts = {r.host for r in ranks if r.rank == 0}
    devices = {r.device for r in ranks if r.host in hosts and r.device and r.device.startswith(("cuda", "hip"))}
    return GpuExpectation(len(devices), "unknown", f"ranks said that they run on {', '.join(sorted(devices))}")


def _seen(evidence: Evidence) -> GpuExpectation | None:
    found = gpus(evidence)
    if not found:
        return None
    count = len({g.index for g in found})
    return GpuExpectation(count, found[0].vendor, f"{count} GPUs report")


def _int(value: JsonValue) -> int:
    text = str(value)
    return int(text) if text.isdecimal() else 0
