"""Rules for the family: duplicate runs."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
