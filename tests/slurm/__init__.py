"""Tests against a real Slurm that lives in one temporary folder."""
