"""Rules for the family: system metrics."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
