"""Faults of a job that still runs."""
