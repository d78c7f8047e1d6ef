"""Rules for the family: versions."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
