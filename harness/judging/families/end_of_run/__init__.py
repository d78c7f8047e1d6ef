"""End of run."""
