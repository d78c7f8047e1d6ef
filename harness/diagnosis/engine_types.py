"""The type of a rule, apart from the engine so that rules need not import it."""

from collections.abc import Callable, Iterable

from harness.diagnosis.model import Hit
from harness.evidence.models import Evidence

Rule = Callable[[Evidence], Iterable[Hit]]
