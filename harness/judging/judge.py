"""The judge: evidence in, verdict out, by pure functions; the only place where outcomes and causes are decided."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from harness.evidence.models import Evidence
from harness.evidence.own_runs import own
from harness.judging.advice import common_values
from harness.judging.asking import Asking, blocked
from harness.judging.case import Case
from harness.judging.causes import Suspect, consequences, roots, suspects
from harness.judging.check import Check
from harness.judging.checks import CHECKS
from harness.judging.embedded import excused, lack
from harness.judging.families import RULES
from harness.judging.findings import finding, hits_of
from harness.judging.graph import Graph, standard_graph
from harness.judging.history import history
from harness.judging.rehearsals import summaries
from harness.judging.rule import Hit, Rule
from harness.judging.summaries import run_summaries, timings
from harness.judging.unexplained import unknown
from harness.judging.verdict import Cause, CheckResult, Finding, Remark, Verdict


def judge(
    evidence: Evidence,
    *,
    rules: Iterable[Rule] = RULES,
    checks: Sequence[Check] = CHECKS,
    graph: Graph | None = None,
) -> Verdict:
    """Judge the whole: failed if a check failed, inconclusive if one could not be made or none passed, else passed."""
    graph = graph or standard_graph()
    evidence = own(evidence)
    case, hits = Case(evidence), hits_of(evidence, rules)
    asked = Asking(case, checks).answers()
    possible = suspects(hits, _failed(asked), graph)
    asked = excused(lack(evidence), asked, possible, graph)
    failed = _failed(asked)
    causes = roots(suspects(hits, failed, graph), graph)
    results = _settled(asked, consequences(failed, causes, graph))
    still_failed = [c for c in results if c.outcome == "failed"]
    unexplained = [c for c in still_failed if not any(c.name in cause.symptoms for cause in causes)]

    values = common_values(evidence)
    told = {hit.id: finding(hit, evidence, values) for hit in hits}
    findings: list[Cause | Remark] = [_cause(told[s.hit.id], s.symptoms, results) for s in causes]
    if unexplained:
        findings.append(_cause(unknown(case, unexplained, results), {c.name for c in unexplained}, results))
    # Where every check that was made holds, what would have made one fail is no news.
    worth = [hit for hit in hits if still_failed or told[hit.id].severity != "error"]
    findings += [_remark(told[hit.id]) for hit in worth if not _told_already(hit, causes, possible, graph)]
    unsure = any(c.outcome == "not_checked" for c in results) or not any(c.outcome == "passed" for c in results)
    return Verdict(
        verdict="failed" if still_failed else "inconclusive" if unsure else "passed",
        root_cause=findings[0].id if still_failed else None,
        findings=tuple(findings),
        checks=tuple(results),
        runs=run_summaries(case),
        rehearsals=summaries(evidence),
        attempts=history(evidence),
        job=evidence.job.model_dump(mode="json", exclude={"output"}) if evidence.job else {},
        timings=timings(case),
        versions=evidence.versions,
        live=case.life is not None,
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


def _cause(told: Finding, symptoms: Collection[str], results: Sequence[CheckResult]) -> Cause:
    """A finding that explains its symptoms, and what is blocked by one of them."""
    explains = {*symptoms, *(c.name for c in results if c.blocked_by in symptoms)}
    return Cause(**{**dict(told), "explains": tuple(sorted(explains))})


def _remark(told: Finding) -> Remark:
    """A finding that explains nothing; what made nothing fail is no error."""
    severity = "warning" if told.severity == "error" else told.severity
    return Remark(**{**dict(told), "severity": severity})


def _told_already(hit: Hit, causes: Sequence[Suspect], possible: Sequence[Suspect], graph: Graph) -> bool:
    """Whether a hit is a cause, or merely follows from one."""
    gave_way = any(s.hit.id == hit.id for s in possible)
    return gave_way or any(cause.hit.id in graph.origins[hit.id] for cause in causes)
