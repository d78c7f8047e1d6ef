"""Scripts that run inside a job; each stands alone."""
