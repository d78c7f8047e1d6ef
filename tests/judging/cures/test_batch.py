"""Edits of a batch script: what Slurm reads, what stands before srun, and the container."""

import shlex

import pytest

from harness.judging.cures.batch import BATCH_EDITS

RANKS = "RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS"
HEAD = "#!/bin/bash\n#SBATCH --account=project_1\n#SBATCH --time=00:10:00\n"


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        ("directive --time 00:20:00", HEAD, HEAD.replace("00:10", "00:20")),
        ("directive --nodes 1", HEAD + "srun a\n", HEAD + "#SBATCH --nodes=1\nsrun a\n"),
        ("directive --mem 9G", "#SBATCH --mem 1G\n", "#SBATCH --mem=9G\n"),
        ("without_directive --time", HEAD, HEAD.replace("#SBATCH --time=00:10:00\n", "")),
        ("without_word --cleanenv", "singularity run --cleanenv x.sif a\n", "singularity run x.sif a\n"),
        ("without_word --cpu-bind", "srun --cpu-bind=mask_cpu:0xfe a\n", "srun a\n"),
        ("before_launch 'export A=1'", HEAD + "srun a\n", HEAD + "export A=1\nsrun a\n"),
        ("before_launch 'export A=1'", "export A=1\nsrun a\n", "export A=1\nsrun a\n"),
        ("run_container", "srun singularity exec $SIF a\n", "srun singularity run $SIF a\n"),
        ("forget_variable WANDB_MODE", "export WANDB_MODE=offline\nsrun a\n", "srun a\n"),
        ("without_lines bindings", "module load bindings\nsrun a\n", "srun a\n"),
        (
            "module_path", "module load lumi-aif-singularity-bindings\n",
            "module use /appl/local/laifs/modules\nmodule load lumi-aif-singularity-bindings\n",
        ),
        (
            "ranks_of_srun", "srun -n 8 python train.py\n",
            f"srun -n 8 bash -c '{RANKS} python train.py'\n",
        ),
        ("ranks_of_srun", "srun bash -c 'python a'\n", "srun bash -c 'python a'\n"),
        ("more_memory", "#SBATCH --mem=10G\n", "#SBATCH --mem-per-gpu=60G\n"),
        ("smaller", HEAD, HEAD + "#SBATCH --nodes=1\n"),
        ("gpu_partition", "#SBATCH --partition=small\n", "#SBATCH --partition=standard-g\n#SBATCH --gpus-per-node=8\n"),
    ],
)  # fmt: skip
def test_an_edit(edit, before, after):
    name, *arguments = shlex.split(edit)
    assert BATCH_EDITS[name](before, *arguments) == after
