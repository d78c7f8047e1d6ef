"""Of each recording what the rules and the checks say before causes are known, so that graphs can be tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from harness.judging.causes import consequences, roots, suspects
from harness.judging.graph import Graph
from harness.judging.rule import Hit
from tests.faults.recorded import decision, recordings


@dataclass(frozen=True)
class Heard:
    """The hits and the failed checks of one recording."""

    hits: tuple[Hit, ...]
    failed: tuple[str, ...]

    def told(self, graph: Graph) -> tuple[object, ...]:
        """Root causes, remarks and consequences, as this graph has them."""
        possible = suspects(self.hits, self.failed, graph)
        causes = roots(possible, graph)
        ids = [s.hit.id for s in causes]
        aside = {s.hit.id for s in possible}
        remarks = [h.id for h in self.hits if h.id not in aside and not graph.origins[h.id] & set(ids)]
        return ids, remarks, sorted(consequences(self.failed, causes, graph))


@cache
def heard() -> dict[str, Heard]:
    """Every recording, by name."""
    found = {}
    for name in recordings():
        failed = tuple(n for n, answer in decision(name).asked.items() if answer.outcome == "failed")
        found[name] = Heard(decision(name).hits, failed)
    return found
