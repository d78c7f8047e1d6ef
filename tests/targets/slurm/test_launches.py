"""How a batch script starts its ranks: which launchers, in which line, and how many ranks come of it."""

import pytest

from harness.targets.slurm.launches import launches

EIGHT = {"nodes": "2", "ntasks-per-node": "4", "gpus-per-node": "mi250:4"}


@pytest.mark.parametrize(
    ("line", "options", "launcher", "ranks"),
    [
        ("srun python train.py", {}, "srun", 1),
        ("srun python train.py", {"ntasks": "8"}, "srun", 8),
        ("srun python train.py", EIGHT, "srun", 8),
        ("srun -n1 python train.py -n 5", EIGHT, "srun", 1),
        ("srun --nodes=1 --ntasks-per-node 3 python train.py", {"ntasks": "8"}, "srun", 3),
        ("srun -n $SLURM_NNODES singularity exec x.sif python train.py", EIGHT, "srun", 2),
        ("torchrun --standalone --nproc_per_node=4 train.py", {}, "torchrun", 4),
        ("python -m torch.distributed.run --nnodes 2 --nproc-per-node 4 train.py", {}, "torchrun", 8),
        ("torchrun --nproc_per_node=$SLURM_GPUS_PER_NODE train.py --nproc_per_node 9", EIGHT, "torchrun", 4),
        ("torchrun --nproc_per_node=gpu train.py", {}, "torchrun", None),
        ("srun -N2 -n2 torchrun --nnodes=2 --nproc_per_node=8 train.py", {}, "srun torchrun", 16),
        (
            "srun -n1 singularity exec x.sif bash -c 'conda activate; torchrun --nproc_per_node 8 train.py'",
            {},
            "srun torchrun",
            8,
        ),
        ("/opt/bin/python3.11 train.py", {}, "python", None),
        ("mpirun -np 8 python train.py", {}, "mpirun", 8),
        ("mpiexec --n 2 ./train", {}, "mpiexec", 2),
        ("time mpirun python train.py", {"ntasks": "4"}, "mpirun", 4),
        ("accelerate launch --num_processes 4 train.py", {}, "accelerate", 4),
        ("accelerate launch --config_file c.yaml train.py", {}, "accelerate", None),
        ("deepspeed --num_gpus=4 train.py --deepspeed ds.json", {}, "deepspeed", 4),
        ("deepspeed train.py", {}, "deepspeed", None),
        ("module load x && srun -n3 python train.py & wait", {}, "srun", 3),
        ("for lr in 1 2; do srun -n 2 python train.py --lr $lr; done", {}, "srun", 2),
        ("train() { srun -n4 python train.py; }", {}, "srun", 4),
        ("srun -n $UNTOLD python train.py", {"ntasks": "8"}, "srun", None),
        ("srun -n ${UNTOLD:-6} python train.py", {}, "srun", 6),
    ],
)
def test_launchers_and_ranks(line, options, launcher, ranks):
    (found,) = launches(f"#!/bin/bash\n# srun -n9 no\n{line}\n", options)
    assert (found.launcher, found.ranks, found.line) == (launcher, ranks, line)


def test_lines_that_go_on_and_variables_that_the_script_sets():
    text = "export N=6\nsrun -n 2 true\nmpirun \\\n  -np $N \\\n  python train.py\n"
    assert [(one.launcher, one.ranks) for one in launches(text, {})] == [("srun", 2), ("mpirun", 6)]


@pytest.mark.parametrize(
    ("text", "launcher", "ranks"),
    [
        ('LAUNCH="srun -n 8"\n$LAUNCH python train.py\n', "srun", 8),
        ('ARGS=(--nproc_per_node 4 --nnodes 2)\ntorchrun "${ARGS[@]}" train.py\n', "torchrun", 8),
        ('train() {\n  srun -n "$1" python train.py\n}\ntrain 8\n', "srun", None),
        ("srun -n 8 bash -c '\nexport RANK=$SLURM_PROCID\npython train.py\n'\n", "srun", 8),
        ("for n in 1 2\ndo\n  srun -n $n python train.py &\ndone\n", "srun", None),
    ],
)
def test_what_functions_loops_variables_and_long_quotes_start(text, launcher, ranks):
    (found,) = launches(text, {"ntasks": "3"})
    assert (found.launcher, found.ranks) == (launcher, ranks)


@pytest.mark.parametrize(
    "text",
    ["echo 'srun -n 4 python a.py'", "python -c 'print(1)'", "pip install accelerate", "echo 'srun", "# torchrun x.py"],
)
def test_what_starts_no_ranks(text):
    assert launches(text, {}) == ()
