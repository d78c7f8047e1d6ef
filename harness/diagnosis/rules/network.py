"""Rules for the family: network."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
