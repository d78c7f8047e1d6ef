"""Rules for the family: end of run."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
