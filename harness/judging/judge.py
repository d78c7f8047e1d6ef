"""From checks and findings to the verdict: which cause counts, what it explains, what stays unexplained."""

from collections.abc import Iterable, Sequence

from harness.evidence.models import Evidence
from harness.judging.unexplained import unknown
from harness.judging.verdict import CheckResult, Finding, RunSummary, Verdict
from harness.judging.view import final_server


def assemble(evidence: Evidence | None, checks: Sequence[CheckResult], findings: Sequence[Finding]) -> Verdict:
    """Judge the whole: failed if a check failed, inconclusive if one could not be made, else passed."""
    settled = settle(checks, findings)
    failed = [c for c in settled if c.outcome == "failed"]
    unsure = any(c.outcome == "not_checked" for c in settled) or not any(c.outcome == "passed" for c in settled)
    kept = explain(settled, findings)
    unexplained = [c for c in failed if not any(c.name in f.explains for f in kept)]
    if unexplained:
        kept = [*kept, unknown(evidence, unexplained)]
    causes = [f for f in kept if f.explains]
    job = evidence.job.model_dump(mode="json", exclude={"output"}) if evidence and evidence.job else {}
    return Verdict(
        verdict="failed" if failed else "inconclusive" if unsure else "passed",
        root_cause=causes[0].id if causes else None,
        findings=tuple(sorted(kept, key=lambda f: not f.explains)),
        checks=tuple(settled),
        runs=run_summaries(evidence) if evidence else (),
        job=job,
        timings=_timings(evidence) if evidence else {},
        versions=evidence.versions if evidence else {},
    )


def settle(checks: Sequence[CheckResult], findings: Sequence[Finding]) -> list[CheckResult]:
    """Name what blocked each check that was set aside as a mere consequence, or count it as failed after all."""
    failed = [c.name for c in checks if c.outcome == "failed"]
    settled = []
    for check in checks:
        if check.outcome == "blocked" and check.blocked_by is None:
            symptom = next(
                (n for f in findings if f.covers(check.name) for n in failed if f.covers(n) == "fails"), None
            )
            update = {"blocked_by": symptom} if symptom else {"outcome": "failed"}
            settled.append(check.model_copy(update=update))
        else:
            settled.append(check)
    return _led_back(settled)


def _led_back(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Name the check at the beginning where one blocked check blocks the next: the one that failed says why."""
    by_name = {c.name: c for c in checks}

    def first(name: str) -> str:
        passed: set[str] = set()
        while name not in passed and (check := by_name.get(name)) and check.blocked_by:
            passed.add(name)
            name = check.blocked_by
        return name

    def led(check: CheckResult) -> CheckResult:
        if check.blocked_by is None:
            return check
        name = first(check.blocked_by)
        reason = check.reason.replace(f"blocked by {check.blocked_by}", f"blocked by {name}")
        return check.model_copy(update={"blocked_by": name, "reason": reason})

    return [led(c) for c in checks]


def explain(checks: Sequence[CheckResult], findings: Sequence[Finding]) -> list[Finding]:
    """Keep the causes that explain a failed check which no earlier cause explains, and all mere remarks."""
    failed = {c.name for c in checks if c.outcome == "failed"}
    set_aside = {c.name for c in checks if c.outcome == "blocked"}
    explained: set[str] = set()
    kept: list[Finding] = []
    for finding in _in_order(findings, failed):
        mine = {n for n in failed if finding.covers(n)}
        if mine - explained:
            followers = {n for n in set_aside if finding.covers(n)}
            kept.append(finding.model_copy(update={"explains": tuple(sorted(mine | followers))}))
            explained |= mine
        elif finding.severity != "error":
            kept.append(finding)
    return kept


def cause_among(name: str, failed: Iterable[str], findings: Sequence[Finding]) -> Finding | None:
    """Name the cause that `explain` keeps for a failed check, as far as failures are known."""
    return next((f for f in _in_order(findings, {*failed, name}) if f.covers(name)), None)


def _in_order(findings: Sequence[Finding], failed: set[str]) -> list[Finding]:
    """Order findings by stage; of one stage those whose own symptom failed come first."""
    return sorted(findings, key=lambda f: (f.stage, not _direct(f, failed)))


def _direct(finding: Finding, failed: Iterable[str]) -> bool:
    return any(finding.covers(name) == "fails" for name in failed)


def run_summaries(evidence: Evidence) -> tuple[RunSummary, ...]:
    """List the job's runs: those on the server, and those that only the disk has."""
    found = [
        RunSummary(entity=r.entity, project=r.project, id=r.id, name=r.name, state=r.state, url=r.url, source="server")
        for r in final_server(evidence).runs
    ]
    known = {r.id for r in found}
    for local in evidence.local.runs:
        facts = local.log.run
        if local.run_id not in known:
            found.append(
                RunSummary(
                    entity=facts.entity if facts else "",
                    project=facts.project if facts else "",
                    id=local.run_id,
                    name=facts.display_name if facts else "",
                    state="offline" if local.offline else local.log.status,
                    url="",
                    source="local",
                )
            )
    return tuple(found)


def _timings(evidence: Evidence) -> dict[str, float]:
    timings = {f"{s.name}_s": round(s.end - s.start, 3) for s in evidence.spans if s.end is not None}
    if waited := final_server(evidence).waited_s:
        timings["reads_waited_s"] = waited
    watch = evidence.watch
    if watch:
        seen = {
            "run_visible_s": watch.run_visible_s, "first_point_s": watch.first_point_s,
            "first_system_metric_s": watch.first_system_metric_s, "job_ended_s": watch.job_ended_s,
        }  # fmt: skip
        timings |= {name: round(value, 3) for name, value in seen.items() if value is not None}
    return timings
