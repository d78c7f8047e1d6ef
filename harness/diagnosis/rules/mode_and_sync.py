"""Rules for the family: mode and sync."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
