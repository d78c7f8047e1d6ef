#!/bin/bash
#SBATCH --job-name=vit
#SBATCH --account=project_465000000
#SBATCH --partition=small-g
#SBATCH --nodes=1
#SBATCH --gpus-per-node=8
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=7
#SBATCH --time=24:00:00
#SBATCH --requeue                    # start again after a node failure; LUMI's default
#SBATCH --open-mode=append           # keep the output of the first start
#SBATCH --signal=USR1@120            # two minutes before the time limit: the script saves and leaves

export MASTER_ADDR=$(hostname) MASTER_PORT=29500
export WANDB_DIR=$PWD                # a disk that stays when the node is gone, so that `wandb sync` finds the run
# srun starts each rank itself, so SIGTERM and USR1 reach Python and not only this shell.
srun python train.py --epochs 90 --checkpoint "checkpoint-$SLURM_JOB_ID.pt"
