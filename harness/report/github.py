"""What GitHub Actions is told: the summary of the step, and an annotation for each cause."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.judging.verdict import Verdict
from harness.report.html.checks import short
from harness.report.html.findings import sentence
from harness.report.text import block, clean

MOST = 10
"""GitHub shows ten annotations of a kind for each step."""


def append_summary(text: str, environ: Mapping[str, str]) -> None:
    """Append Markdown to the step's summary, where GitHub gives one.

    Raises:
        OSError: the file cannot be written.
    """
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def hold(token: str, environ: Mapping[str, str]) -> list[str]:
    """Return the command by which GitHub Actions takes no more lines for commands, whatever a job has printed."""
    return [f"::stop-commands::{token}"] if environ.get("GITHUB_ACTIONS") == "true" else []


def release(token: str, environ: Mapping[str, str]) -> list[str]:
    """Return the command that ends `hold`."""
    return [f"::{token}::"] if environ.get("GITHUB_ACTIONS") == "true" else []


def annotations(verdict: Verdict, environ: Mapping[str, str]) -> list[str]:
    """Return workflow commands that mark causes and warnings; none where no GitHub Actions is.

    See "Workflow commands for GitHub Actions" in GitHub's documentation.
    """
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


def command(kind: str, title: str, message: str) -> str:
    """Write one workflow command; nothing in title or message can end it or begin another."""
    head = _escaped(clean(title, 200)).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={head}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
