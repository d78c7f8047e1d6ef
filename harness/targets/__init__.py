"""Where a job runs: on this machine or through Slurm."""
