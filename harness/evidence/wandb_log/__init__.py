"""Reads a W&B transaction log (`.wandb`) of any SDK version, however damaged, in bounded memory."""

from harness.evidence.wandb_log.framing import Problems, iter_records
from harness.evidence.wandb_log.models import LocalLog
from harness.evidence.wandb_log.reader import read_wandb_log

__all__ = ["LocalLog", "Problems", "iter_records", "read_wandb_log"]
