"""Watches running jobs: cheap looks at many of them, and a verification where something is to be judged."""
