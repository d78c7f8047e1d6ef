"""The rules, a file for each family; `RULES` lists them in the order of the catalogue."""

from harness.judging.families.credentials import rules as credentials
from harness.judging.families.duplicate_runs import rules as duplicate_runs
from harness.judging.families.end_of_run import rules as end_of_run
from harness.judging.families.init import rules as init
from harness.judging.families.job import rules as job
from harness.judging.families.live import rules as live
from harness.judging.families.metrics import rules as metrics
from harness.judging.families.mode_and_sync import rules as mode_and_sync
from harness.judging.families.network import rules as network
from harness.judging.families.rehearsal import rules as rehearsal
from harness.judging.families.system_metrics import rules as system_metrics
from harness.judging.families.versions import rules as versions

RULES = (
    *credentials.RULES, *mode_and_sync.RULES, *network.RULES, *init.RULES, *duplicate_runs.RULES,
    *metrics.RULES, *system_metrics.RULES, *job.RULES, *live.RULES, *end_of_run.RULES, *rehearsal.RULES,
    *versions.RULES,
)  # fmt: skip
