"""Annotations for GitHub Actions: one for each cause or warning."""

from collections.abc import Iterator, Mapping

from harness.evidence.redaction.visible import block, clean
from harness.judging.verdict import Verdict
from harness.report.github import command
from harness.report.html.checks import short
from harness.report.html.findings import sentence

MOST = 10
"""GitHub shows ten annotations of a kind for each step."""


def annotations(verdict: Verdict, environ: Mapping[str, str]) -> list[str]:
    """Return workflow commands that mark causes and warnings; none outside GitHub Actions."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return []
    return list(_commands(verdict))[:MOST]


def _commands(verdict: Verdict) -> Iterator[str]:
    for finding in verdict.findings:
        kind = "error" if finding.explains else {"error": "error", "warning": "warning"}.get(finding.severity)
        if kind:
            advice = finding.advice[0] if finding.advice else ""
            told = [clean(finding.title), *(block(o, 300) for o in finding.observed[:2]), block(advice, 600)]
            yield command(kind, f"W&B verification: {finding.id}", "\n".join(t for t in told if t))
    if verdict.verdict == "failed" and not any(f.explains for f in verdict.findings):
        yield command("error", "W&B verification", sentence(verdict))
    if verdict.verdict == "inconclusive":
        reasons = [f"{short(c.name)}: {clean(c.reason)}" for c in verdict.checks if c.outcome == "not_checked"]
        yield command("error", "W&B verification", "\n".join([sentence(verdict), *reasons[:5]]))
