"""What a rule is and what it says: a hit, whose words the catalogue holds."""

from collections.abc import Callable, Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.evidence.models import Evidence

Severity = Literal["error", "warning", "info"]


class Hit(BaseModel):
    """A rule's word that a fault is there: which one, and what was observed; the catalogue says the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    observed: tuple[str, ...]
    """What in the evidence shows it, in short sentences or quoted lines."""
    values: dict[str, str] = {}
    """Values that the advice is filled with, beside the common ones of `harness.judging.advice`."""
    fails: tuple[str, ...] | None = None
    """Checks that fail because of it, where the catalogue's list is too wide (one metric of several, say)."""
    severity: Severity | None = None
    """Overrides the catalogue's severity for this one case."""
    crash: str = ""
    """The traceback that it is about, as `Exception: message`; another hit that quotes the same one explains it."""


Rule = Callable[[Evidence], Iterable[Hit]]
