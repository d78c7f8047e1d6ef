"""Runs a job through Slurm: the guide's batch script, Slurm's own words, and nothing left behind."""

from harness.targets.slurm.target import SlurmTarget

__all__ = ["SlurmTarget"]
