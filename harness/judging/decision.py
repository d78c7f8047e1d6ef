"""What is decided of a case before it is put into words: how each check came out, and which hits are causes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.evidence.models import Evidence
from harness.evidence.own_runs import own
from harness.judging.asking import Asking, blocked
from harness.judging.case import Case
from harness.judging.causes import Suspect, consequences, roots, suspects
from harness.judging.check import Check
from harness.judging.checks import CHECKS
from harness.judging.embedded import excused, lack
from harness.judging.families import RULES
from harness.judging.findings import hits_of
from harness.judging.graph import Graph, standard_graph
from harness.judging.rule import Hit, Rule
from harness.judging.verdict import CheckResult


@dataclass(frozen=True)
class Decision:
    """Outcomes and causes; what is said of them, and how they are mended, is another matter."""

    case: Case
    results: tuple[CheckResult, ...]
    causes: tuple[Suspect, ...]
    """Root causes, in the order in which they struck."""
    unexplained: tuple[CheckResult, ...]
    """Checks that failed and that no cause explains."""
    remarks: tuple[Hit, ...]
    asked: Mapping[str, CheckResult]
    """What each check answered before causes were known."""
    hits: tuple[Hit, ...]

    @property
    def failed(self) -> bool:
        """Whether a check failed."""
        return any(c.outcome == "failed" for c in self.results)

    @property
    def root_cause(self) -> str | None:
        """The fault that is told first; None where nothing failed."""
        return next(self.ids(), None) if self.failed else None

    def ids(self) -> Iterator[str]:
        """Every fault that is told, in order."""
        yield from (cause.hit.id for cause in self.causes)
        if self.unexplained:
            yield "unknown"
        yield from (hit.id for hit in self.remarks)

    def explained(self, symptoms: Iterable[str]) -> tuple[str, ...]:
        """Name the checks that did not pass because of these: they themselves, and what is blocked by one of them."""
        found = set(symptoms)
        return tuple(sorted({*found, *(c.name for c in self.results if c.blocked_by in found)}))


def decide(
    evidence: Evidence,
    *,
    rules: Iterable[Rule] = RULES,
    checks: Sequence[Check] = CHECKS,
    graph: Graph | None = None,
) -> Decision:
    """Ask every check and every rule, and say which hits are the causes of what failed."""
    graph = graph or standard_graph()
    evidence = own(evidence)
    case, hits = Case(evidence), hits_of(evidence, rules)
    asked = Asking(case, checks).answers()
    possible = suspects(hits, _failed(asked), graph)
    counted = excused(lack(evidence), asked, possible, graph)
    failed = _failed(counted)
    causes = roots(suspects(hits, failed, graph), graph)
    results = _settled(counted, consequences(failed, causes, graph))
    still_failed = [c for c in results if c.outcome == "failed"]
    # Where every check that was made holds, what would have made one fail is no news.
    worth = [hit for hit in hits if still_failed or (hit.severity or graph.entries[hit.id].severity) != "error"]
    return Decision(
        case=case,
        results=tuple(results),
        causes=tuple(causes),
        unexplained=tuple(c for c in still_failed if not any(c.name in cause.symptoms for cause in causes)),
        remarks=tuple(hit for hit in worth if not _told_already(hit, causes, possible, graph)),
        asked=asked,
        hits=hits,
    )


def _failed(asked: Mapping[str, CheckResult]) -> list[str]:
    return [name for name, answer in asked.items() if answer.outcome == "failed"]


def _settled(asked: Mapping[str, CheckResult], follows: Mapping[str, str]) -> list[CheckResult]:
    """Set consequences aside, and lead what was blocked by one of them back to the symptom that failed."""
    found = []
    for name, answer in asked.items():
        if by := follows.get(name) or follows.get(answer.blocked_by or ""):
            answer = blocked(name, by)  # noqa: PLW2901
        found.append(answer)
    return found


def _told_already(hit: Hit, causes: Sequence[Suspect], possible: Sequence[Suspect], graph: Graph) -> bool:
    """Whether a hit is a cause, or merely follows from one."""
    gave_way = any(s.hit.id == hit.id for s in possible)
    return gave_way or any(cause.hit.id in graph.origins[hit.id] for cause in causes)
