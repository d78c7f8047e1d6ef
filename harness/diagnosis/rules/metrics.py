"""Rules for the family: metrics."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
