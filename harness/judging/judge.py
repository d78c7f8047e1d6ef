"""The judge: evidence in, verdict out, by pure functions; what was decided is put into words here, and only here."""

from collections.abc import Iterable, Sequence

from harness.evidence.models import Evidence
from harness.judging.advice import common_values
from harness.judging.check import Check
from harness.judging.checks import CHECKS
from harness.judging.decision import Decision, decide
from harness.judging.families import RULES
from harness.judging.findings import finding
from harness.judging.graph import Graph
from harness.judging.history import history
from harness.judging.rehearsals import summaries
from harness.judging.rule import Rule
from harness.judging.summaries import run_summaries, timings
from harness.judging.unexplained import unknown
from harness.judging.verdict import Cause, Finding, Remark, Verdict


def judge(
    evidence: Evidence,
    *,
    rules: Iterable[Rule] = RULES,
    checks: Sequence[Check] = CHECKS,
    graph: Graph | None = None,
) -> Verdict:
    """Judge the whole: failed if a check failed, inconclusive if one could not be made or none passed, else passed."""
    return tell(decide(evidence, rules=rules, checks=checks, graph=graph))


def tell(decision: Decision) -> Verdict:
    """Put what was decided into words, with what mends each fault."""
    case, results = decision.case, decision.results
    evidence = case.evidence
    unsure = any(c.outcome == "not_checked" for c in results) or not any(c.outcome == "passed" for c in results)
    return Verdict(
        verdict="failed" if decision.failed else "inconclusive" if unsure else "passed",
        root_cause=decision.root_cause,
        findings=tuple(_findings(decision)),
        checks=results,
        runs=run_summaries(case),
        rehearsals=summaries(evidence),
        attempts=history(evidence),
        job=evidence.job.model_dump(mode="json", exclude={"output"}) if evidence.job else {},
        timings=timings(case),
        versions=evidence.versions,
        live=case.life is not None,
    )


def _findings(decision: Decision) -> list[Cause | Remark]:
    """Causes, what no rule explains, and remarks, each with the cure that mends it."""
    case, values = decision.case, common_values(decision.case.evidence)
    found: list[Cause | Remark] = [
        _cause(finding(cause.hit, case.evidence, values), decision.explained(cause.symptoms))
        for cause in decision.causes
    ]
    if rest := decision.unexplained:
        found.append(_cause(unknown(case, rest, decision.results), decision.explained(c.name for c in rest)))
    return found + [_remark(finding(hit, case.evidence, values)) for hit in decision.remarks]


def _cause(told: Finding, explains: tuple[str, ...]) -> Cause:
    """A finding with the checks that did not pass because of it."""
    return Cause(**{**dict(told), "explains": explains})


def _remark(told: Finding) -> Remark:
    """A finding that explains nothing; what made nothing fail is no error."""
    severity = "warning" if told.severity == "error" else told.severity
    return Remark(**{**dict(told), "severity": severity})
