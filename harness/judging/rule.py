"""The type of a rule, apart from the engine so that rules need not import it."""

from collections.abc import Callable, Iterable

from harness.evidence.models import Evidence
from harness.judging.verdict import Hit

Rule = Callable[[Evidence], Iterable[Hit]]
