"""Rules for the family: job."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
