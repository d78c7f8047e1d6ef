"""Which variables of an environment bear on W&B; the others are nobody's business."""

import re

_PREFIXES = (
    "WANDB_", "SLURM_", "SBATCH_", "SRUN_", "SINGULARITY", "APPTAINER", "XDG_", "LC_", "NCCL_", "RCCL_", "MIOPEN_",
    "TORCHELASTIC_",
)  # fmt: skip
_NAMES = re.compile(
    r"HOME|HOSTNAME|USER|SHELL|LANG|PWD|PATH|LD_LIBRARY_PATH|PYTHON(?:PATH|HOME|SAFEPATH|NOUSERSITE)|VIRTUAL_ENV"
    r"|CONDA_PREFIX|TMPDIR|TMP|TEMP|NETRC|SSL_CERT_(?:FILE|DIR)|(?:REQUESTS|CURL)_CA_BUNDLE|(?:HTTPS?|NO|ALL)_PROXY"
    r"|RANK|LOCAL_RANK|GROUP_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|MASTER_(?:ADDR|PORT)|OMP_NUM_THREADS"
    r"|(?:ROCR|HIP|CUDA)_VISIBLE_DEVICES|ROCR_USE_SLURM_LOCALID|LUMI_STACK_(?:NAME|VERSION)"
)


def is_related(name: str) -> bool:
    """Whether a variable bears on W&B, Slurm, the container or the network."""
    return bool(_NAMES.fullmatch(name.upper())) or name.startswith(_PREFIXES)
