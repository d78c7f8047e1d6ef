"""The rules, a file for each family; `RULES` lists them in the order of the catalogue."""

from harness.diagnosis.rules import (
    credentials,
    duplicate_runs,
    end_of_run,
    init,
    job,
    metrics,
    mode_and_sync,
    network,
    system_metrics,
    versions,
)

RULES = (
    *credentials.RULES, *mode_and_sync.RULES, *network.RULES, *init.RULES, *duplicate_runs.RULES,
    *metrics.RULES, *system_metrics.RULES, *job.RULES, *end_of_run.RULES, *versions.RULES,
)  # fmt: skip
