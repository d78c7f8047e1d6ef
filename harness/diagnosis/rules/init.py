"""Rules for the family: init."""

from harness.diagnosis.engine_types import Rule

RULES: tuple[Rule, ...] = ()
