"""Rules for the family system metrics, second part: what looks odd in healthy system metrics, said kindly."""

from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.duplicates import listed
from harness.judging.expected_gpus import expected_gpus, first_node
from harness.judging.rule import Hit, Rule
from harness.judging.system_series import gpus, host_series
from harness.judging.view import find_lines

SLOW_S = 3.0
HIGH_PERCENT = 90.0


def _amd(evidence: Evidence) -> bool:
    return any(g.vendor == "amd" for g in gpus(evidence))


def second_die(evidence: Evidence) -> Iterator[Hit]:
    """Odd GCDs without power beside even ones with it."""
    found = [g for g in gpus(evidence) if g.vendor == "amd"]
    silent = [g for g in found if g.second_die and not (g.power and g.power.positive)]
    if silent and any(g.power and g.power.positive for g in found if not g.second_die):
        observed = (
            f"GCDs {listed([str(g.index) for g in silent], 8)} report no power; the first die of each module does."
        )
        yield Hit(id="sys-mi250x-second-die-power", observed=(observed,))


def zero_means_missing(evidence: Evidence) -> Iterator[Hit]:
    """A GPU that works at 0 degrees."""
    odd = [g for g in gpus(evidence) if g.vendor == "amd" and g.used and g.temperature and not g.temperature.positive]
    if odd:
        observed = f"GPU {listed([str(g.index) for g in odd], 8)} worked at a temperature of 0."
        yield Hit(id="sys-zero-means-missing", observed=(observed,))


def all_gcds(evidence: Evidence) -> Iterator[Hit]:
    """More GPUs than ranks on the node."""
    count, ranks = len({g.index for g in gpus(evidence)}), evidence.request.nproc
    expected = expected_gpus(evidence)
    if _amd(evidence) and ranks and count > ranks and expected and count >= expected.count:
        observed = f"{count} GPUs report; the job has {ranks} rank{'s' if ranks != 1 else ''} on each node."
        yield Hit(id="sys-all-8-gcds", observed=(observed,), values={"gpu_count": str(count)})


def one_node_of_several(evidence: Evidence) -> Iterator[Hit]:
    """Several nodes, the GPUs of one."""
    found = gpus(evidence)
    if evidence.request.nodes > 1 and found and len({g.label for g in found}) == 1:
        observed = f"{len(found)} GPUs report; the job has {evidence.request.nodes} nodes."
        yield Hit(id="sys-only-rank0-node", observed=(observed,))


def memory_busy_not_full(evidence: Evidence) -> Iterator[Hit]:
    """GPUs that work with next to no memory, by an rocm-smi that tells how busy the memory is."""
    node = first_node(evidence)
    generation = node.command.rocm_generation if node and node.command else "unknown"
    version = version_key(job_sdk_version(evidence) or "99")
    if generation not in ("5", "6.0") or version >= (0, 31, 0):
        return
    odd = [g for g in gpus(evidence) if g.used and (m := g.series.get("memoryAllocated")) and (m.maximum or 0.0) < 1]
    if odd:
        observed = (
            f"GPU {listed([str(g.index) for g in odd], 8)} worked with less than 1 % of memory, by ROCm {generation}."
        )
        yield Hit(id="sys-rocm5-mem-semantics", observed=(observed,), values={"rocm_generation": generation})


def slow_tool(evidence: Evidence) -> Iterator[Hit]:
    """GPU curves with less than half the points of the host's, and a tool that takes seconds."""
    node = first_node(evidence)
    seconds = node.command.seconds if node and node.command else None
    version = version_key(job_sdk_version(evidence) or "99")
    if seconds is None or seconds < SLOW_S or version >= (0, 31, 0):
        return
    samples = [v.count for g in gpus(evidence) for v in g.series.values()]
    host = [v.count for v in host_series(evidence, "memory")]
    if samples and host and max(samples) < max(host) / 2:
        observed = (f"rocm-smi takes {seconds:.1f} s.", f"{max(samples)} GPU samples against {max(host)} of memory.")
        yield Hit(id="sys-slow-rocm-smi", observed=observed, values={"slow_interval": str(round(2 * seconds))})


def noisy_tool(evidence: Evidence) -> Iterator[Hit]:
    """An old SDK that lets rocm-smi write into the job's output."""
    version = version_key(job_sdk_version(evidence) or "99")
    lines = find_lines(evidence, r"WARNING: No AMD GPUs specified")
    if version < (0, 17, 0) and len(lines) > 1:
        yield Hit(id="sys-rocm-smi-stderr-ok", observed=lines[:1])


def memory_of_the_limit(evidence: Evidence) -> Iterator[Hit]:
    """Memory near its limit in a Slurm job, with an SDK that relates it to the job's own limit."""
    version = job_sdk_version(evidence)
    if evidence.request.target != "slurm" or version is None or version_key(version) < (0, 27, 0):
        return
    view = next((v for v in host_series(evidence, "memory") if v.key == "memory_percent"), None)
    if view is not None and view.maximum is not None and view.maximum >= HIGH_PERCENT:
        observed = f"memory_percent reached {view.maximum:.0f} %."
        yield Hit(id="sys-cgroup-semantics", observed=(observed,))


RULES: tuple[Rule, ...] = (
    second_die, zero_means_missing, all_gcds, one_node_of_several, memory_busy_not_full, slow_tool, noisy_tool,
    memory_of_the_limit,
)  # fmt: skip
