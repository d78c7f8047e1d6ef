"""Rules for the family: credentials."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
