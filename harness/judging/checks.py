"""Every check, in the order in which they are shown; the files of `checks/` are their face."""

from harness.judging.symptoms import job, metrics, rehearsal, run, setup, sync, system

CHECKS = (*setup.CHECKS, *job.CHECKS, *run.CHECKS, *metrics.CHECKS, *system.CHECKS, *sync.CHECKS, *rehearsal.CHECKS)
PARTS = ("cpu", "memory", "disk", "network")
"""Parts of the host of which W&B records metrics."""
