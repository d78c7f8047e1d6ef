"""Rules for the family job, second part: what the job printed before and while it trained."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.rule import Hit, Rule
from harness.judging.system_series import gpus
from harness.judging.view import find_lines, names_sdk_folder, passed_through_sdk, python_errors, said

NO_GPU = (
    r"No HIP GPUs are available|no ROCm-capable device is detected|hipErrorNoDevice|hipErrorInsufficientDriver"
    r"|HIP driver version is insufficient|Torch not compiled with CUDA enabled"
)
DATA_FILE = re.compile(
    r"\.(hdf5|h5|npy|npz|zarr|parquet|lmdb|tar|zip|csv|arrow|mdb|pt|bin|jsonl?)\b|dataset|data/|images"
)
QUOTA = r"Disk quota exceeded|No space left on device|Errno (28|122)"


def mount_fatal(evidence: Evidence) -> Iterator[Hit]:
    """Singularity could not bind a folder."""
    if text := said(evidence, r"container creation failed: mount|while mounting .*doesn't exist in container"):
        yield Hit(id="job-container-mount-fatal", observed=text)


def module_missing(evidence: Evidence) -> Iterator[Hit]:
    """Lmod did not find a module."""
    text = said(evidence, r"following module\(s\) are unknown|Lmod has detected the following error")
    if not any("unknown" in line for line in text):
        return
    lines = find_lines(evidence, r'^\s*"[^"]+"\s*$|unknown: "[^"]+"')
    names = [n for line in lines for n in re.findall(r'"([^"]+)"', line)]
    yield Hit(
        id="job-module-missing", observed=(*text, *lines[:1]), values={"module": names[0] if names else "it loads"}
    )


def cpu_masks(evidence: Evidence) -> Iterator[Hit]:
    """Srun refused to bind to cores that are not the job's."""
    if text := said(evidence, r"CPU binding outside of job step allocation|Unable to satisfy cpu bind request"):
        yield Hit(id="job-cpu-bind-mask", observed=text)


def port_in_use(evidence: Evidence) -> Iterator[Hit]:
    """The rendezvous' port is taken."""
    text = said(evidence, r"EADDRINUSE|server socket has failed to (listen|bind)|RuntimeError: Address already in use")
    if text:
        found = re.search(r"port: (\d+)|\]:(\d+)", "\n".join(text))
        port = next((g for g in found.groups() if g), None) if found else None
        yield Hit(id="job-port-in-use", observed=text, values={"port": port or "<port>"})


def driver_mismatch(evidence: Evidence) -> Iterator[Hit]:
    """Torch sees no GPU where there are some."""
    text = said(evidence, NO_GPU)
    ranks = evidence.job.output.ranks if evidence.job else ()
    on_cpu = evidence.request.target == "slurm" and ranks and all(r.device == "cpu" for r in ranks)
    there = {g.index for g in gpus(evidence)}
    # A machine of one's own without a GPU has no driver that could mismatch.
    if text and (there or evidence.request.target != "local"):
        yield Hit(id="job-gpu-driver-mismatch", observed=text)
    elif on_cpu and there:
        seen = f"Every rank trained on the CPU, although the node has {len(there)} GPUs."
        yield Hit(id="job-gpu-driver-mismatch", observed=(seen,), fails=("test_gpus_were_used",))


def exec_vs_run(evidence: Evidence) -> Iterator[Hit]:
    """The image's start script was left out, and ranks do not find their GPUs."""
    slurm = evidence.job.slurm if evidence.job else None
    text = said(evidence, r"HIP error: invalid device ordinal|CUDA error: invalid device ordinal")
    if slurm and slurm.container_action == "exec" and text:
        yield Hit(
            id="job-exec-vs-run",
            observed=(*text, f"{slurm.script_path} starts the container with singularity exec."),
            values={"script": slurm.script_path or "the batch script"},
        )


def dataset_missing(evidence: Evidence) -> Iterator[Hit]:
    """A data file is not there; files of other kinds have other causes."""
    for error in python_errors(evidence, r"(FileNotFoundError|OSError)$", r"No such file or directory|[Uu]nable to"):
        found = re.search(r"name = '([^']+)'|: '([^']+)'$|'([^']+)'", error.message)
        path = next((g for g in found.groups() if g), "") if found else ""
        by_h5py = "open file: name = " in error.message
        missing = "No such file" in error.message or "errno = 2" in error.message
        of_sdk = passed_through_sdk(error) or names_sdk_folder(error)
        if missing and (by_h5py or DATA_FILE.search(path)) and not of_sdk:
            observed = (f"{error.exception}: {error.message}"[:300], *error.frames[-2:])
            yield Hit(id="job-dataset-missing", observed=observed, values={"file": path})
            return


def weights_download(evidence: Evidence) -> Iterator[Hit]:
    """Torch's hub could not fetch or keep pretrained weights."""
    for error in python_errors(evidence, r"(URLError|HTTPError|OSError|RemoteDisconnected|ConnectionError)$"):
        hub = any(re.search(r"torch/hub\.py|torchvision/models/_api|load_state_dict_from_url", f) for f in error.frames)
        kept = re.search(r"/(hub/checkpoints|torch_home|torch/hub)/", error.message) and re.search(QUOTA, error.message)
        if hub or kept:
            yield Hit(id="job-weights-download-fails", observed=(f"{error.exception}: {error.message}"[:300],))
            return


def miopen(evidence: Evidence) -> Iterator[Hit]:
    """MIOpen's database does not work where it is."""
    if text := said(evidence, r"Internal error while accessing SQLite database|sqlite_db\.cpp"):
        yield Hit(id="job-miopen-sqlite", observed=text)


def wrong_interface(evidence: Evidence) -> Iterator[Hit]:
    """RCCL took a network over which the nodes do not reach each other."""
    text = said(evidence, r"(NCCL|RCCL) WARN .*(Connect to .* failed|no socket interface found|[Nn]o route to host)")
    if text:
        variables = evidence.setup.place.variables if evidence.setup else {}
        name = variables.get("NCCL_SOCKET_IFNAME")
        yield Hit(id="job-rccl-wrong-iface", observed=(*text, *((f"NCCL_SOCKET_IFNAME={name}",) if name else ())))


def no_plugin(evidence: Evidence) -> Iterator[Hit]:
    """RCCL says that it uses sockets between several nodes."""
    nodes = len(evidence.job.slurm.nodes) if evidence.job and evidence.job.slurm else evidence.request.nodes
    text = find_lines(evidence, r"NCCL INFO (Using network Socket|NET/Socket : Using)")
    if text and nodes > 1 and not find_lines(evidence, r"NET/OFI.*Selected [Pp]rovider is|Using network AWS Libfabric"):
        yield Hit(id="job-rccl-no-ofi-plugin", observed=text)


def collective_timeout(evidence: Evidence) -> Iterator[Hit]:
    """Ranks gave up waiting for another one."""
    text = said(
        evidence,
        r"Watchdog caught collective operation timeout|Timed out waiting \d+ms for (recv|send) operation to complete"
        r"|DistStoreError: Timed out after \d+ seconds waiting for clients|Wait timeout\b.*store",
    )
    if text:
        errors = [e for e in python_errors(evidence) if e.rank == 0 and "Dist" not in e.exception]
        first = (f"Rank 0 itself: {errors[0].exception}: {errors[0].message}"[:300],) if errors else ()
        yield Hit(id="job-rccl-timeout", observed=(*text, *first))


RULES: tuple[Rule, ...] = (
    mount_fatal, module_missing, cpu_masks, port_in_use, driver_mismatch, exec_vs_run, dataset_missing,
    weights_download, miopen, wrong_interface, no_plugin, collective_timeout,
)  # fmt: skip
