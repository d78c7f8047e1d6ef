"""Which hits are root causes: those whose own symptom failed, and that follow from no other which explains as much."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.judging.check import bare
from harness.judging.graph import Graph
from harness.judging.rule import Hit, Severity

CRASH = "test_job_completed"
"""What a traceback of the user's script makes fail; no warning explains it."""


@dataclass(frozen=True)
class Suspect:
    """A hit beside the checks that failed: which of them are its own symptoms."""

    hit: Hit
    severity: Severity
    symptoms: frozenset[str]
    """Failed checks, by full name, that it makes fail."""
    explains: frozenset[str]
    """Failed checks that it accounts for: its symptoms, and what they bring about."""


def suspects(hits: Iterable[Hit], failed: Iterable[str], graph: Graph) -> list[Suspect]:
    """Return the hits that make failed checks fail; an info never does, and a warning only what no error does."""
    failed = frozenset(failed)
    short = {bare(name) for name in failed}
    found = []
    for hit in hits:
        severity = hit.severity or graph.entries[hit.id].severity
        symptoms = frozenset(name for name in failed if severity != "info" and _makes_fail(hit, name, graph))
        if symptoms:
            reached = graph.downstream({bare(name) for name in symptoms}, short)
            found.append(Suspect(hit, severity, symptoms, symptoms | {n for n in failed if bare(n) in reached}))
    return [s for s in found if s.severity == "error" or _alone(s, found, graph)]


def _makes_fail(hit: Hit, name: str, graph: Graph) -> bool:
    fails = hit.fails if hit.fails is not None else graph.entries[hit.id].fails
    return bool({name.rpartition("::")[2], bare(name)} & set(fails))


def _alone(warning: Suspect, found: Sequence[Suspect], graph: Graph) -> bool:
    """Whether a warning makes something fail that no error does which stands without it."""
    others = (s for s in found if s.severity == "error" and warning.hit.id not in graph.origins[s.hit.id])
    return bool(warning.symptoms.difference(*(s.symptoms for s in others)))


def roots(found: Sequence[Suspect], graph: Graph) -> list[Suspect]:
    """Leave out each suspect that follows from another one which explains all that it explains; errors come first."""
    stay = [s for s in found if not any(_gives_way(s, other, graph) for other in found)]
    return sorted(stay, key=lambda s: s.severity == "warning")


def _gives_way(suspect: Suspect, other: Suspect, graph: Graph) -> bool:
    follows = other.hit.id in graph.origins[suspect.hit.id] and suspect.hit.id not in graph.origins[other.hit.id]
    if not follows and not _quotes(other, suspect.hit.crash):
        return False
    if other.severity == "warning" and any(bare(name) == CRASH for name in suspect.symptoms):
        return False
    return suspect.explains <= other.explains


def _quotes(other: Suspect, crash: str) -> bool:
    """Whether a hit rests on the very traceback that ended the job: then it says why."""
    return bool(crash) and other.hit.crash != crash and any(_same(line, crash) for line in other.hit.observed)


def _same(line: str, crash: str) -> bool:
    """Whether a line quotes a crash, be it on one line or cut short."""
    line, crash = " ".join(line.split()), " ".join(crash.split())
    return crash in line or (line.endswith("...") and crash.startswith(line[:-3]))


def consequences(failed: Iterable[str], causes: Sequence[Suspect], graph: Graph) -> Mapping[str, str]:
    """Name, for each failed check that is a mere consequence, the symptom that brought it about.

    That is a symptom of the cause that explains it; of what no cause explains, another check that failed.
    """
    failed = list(failed)
    own = frozenset[str]().union(*(cause.symptoms for cause in causes))
    found = {
        name: min(cause.symptoms)
        for name in failed
        if name not in own and (cause := next((c for c in causes if name in c.explains), None))
    }
    left = [name for name in failed if name not in own and name not in found]
    short = {bare(name) for name in failed}
    reached = {name: graph.downstream([bare(name)], short) - {bare(name)} for name in left}
    first = [name for name in left if not any(bare(name) in reached[other] for other in left)]
    return found | {name: by for name in left for by in first[::-1] if bare(name) in reached[by]}
