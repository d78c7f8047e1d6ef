"""Faults injected into real runs with the unmodified SDK."""
