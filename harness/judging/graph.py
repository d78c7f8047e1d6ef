"""The one graph of judging: check needs check, cause makes check fail, cause follows from cause."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache

from harness.judging.catalogue import Entry, catalogue
from harness.judging.check import Check, bare
from harness.judging.checks import CHECKS


@dataclass(frozen=True)
class Graph:
    """Checks and causes with their edges; what is a consequence of what is reachability on it, listed nowhere."""

    checks: tuple[Check, ...]
    entries: Mapping[str, Entry]

    @cached_property
    def _needed_by(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {check.name: set() for check in self.checks}
        for check in self.checks:
            for need in check.needs:
                found[bare(need)].add(check.name)
        return found

    @cached_property
    def origins(self) -> Mapping[str, frozenset[str]]:
        """Of each cause all those that it may follow from, whichever lie between."""
        patterns = {pattern for entry in self.entries.values() for pattern in entry.follows_from}
        meant = {pattern: {o for o in self.entries if fnmatchcase(o, pattern)} for pattern in patterns}
        direct = {i: set[str]().union(*(meant[p] for p in e.follows_from)) - {i} for i, e in self.entries.items()}
        return {i: frozenset(_closure(direct[i], direct) - {i}) for i in self.entries}

    @cached_property
    def _brought_by(self) -> dict[str, set[str]]:
        return {check.name: set(check.brings) for check in self.checks}

    def downstream(self, names: Iterable[str], failed: Iterable[str] | None = None) -> set[str]:
        """The checks of these bare names, and all that fail or mean nothing because of them.

        A check that needs one of them means nothing. One that is merely brought about counts if it is among `failed`;
        all such count where that is not told.
        """
        known = None if failed is None else frozenset(failed)
        edges = {
            name: {*needing, *(brought for brought in self._brought_by[name] if known is None or brought in known)}
            for name, needing in self._needed_by.items()
        }
        return _closure(names, edges)

    def accounts_for(self, cause: str) -> set[str]:
        """The checks (bare names) that may fail, or mean nothing, because of this cause."""
        return self.downstream(bare(name) for name in self.entries[cause].fails)


@lru_cache(maxsize=1)
def standard_graph() -> Graph:
    """The graph of every check and of the whole catalogue."""
    return Graph(CHECKS, catalogue())


def _closure(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += edges.get(name, ())
    return found
