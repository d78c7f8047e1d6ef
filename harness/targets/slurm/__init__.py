"""Runs a job through Slurm: the guide's batch script, Slurm's own words, and nothing left behind."""
