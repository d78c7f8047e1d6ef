"""The report as Markdown, for pull requests, tickets and GitHub's step summary; bounded, and safe with odd strings."""

import re
from collections.abc import Iterator, Mapping

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean
from harness.judging.live.of_evidence import life_of
from harness.judging.verdict import Verdict
from harness.report import attempts
from harness.report.html.checks import CheckView, Group, groups_of
from harness.report.html.facts import job_in_short, runs_of, subject
from harness.report.html.findings import FindingView, doubts, findings_of, sentence
from harness.report.next_commands import NextCommands
from harness.report.run_directories import others
from harness.report.run_directories import told as told_folders
from harness.report.text import clock, seconds

SIGNS = {
    "passed": "✅",
    "failed": "❌",
    "blocked": "⛔",
    "not_applicable": "➖",
    "not_checked": "❔",
    "inconclusive": "❔",
}
_SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
_FIRST = re.compile(r"^(\s*)([#+\-=]|\d+[.)](?=\s|$))")


def summary(evidence: Evidence, verdict: Verdict, said: Mapping[str, str], again: NextCommands) -> str:
    """Return the page; the same facts as the HTML report without its pictures."""
    told = sentence(verdict, life_of(evidence))
    lines = [f"## {SIGNS[verdict.verdict]} W&amp;B verification: {verdict.verdict}", "", plain(told), ""]
    lines += [f"Verified: {plain(subject(evidence.request))}. {clock(evidence.created_at)}", ""]
    if job := job_in_short(evidence):
        lines += [plain(job), ""]
    for finding in findings_of(verdict):
        lines += _finding(finding)
    if verdict.verdict == "inconclusive":
        lines += _doubts(verdict, again)
    lines += _checks(groups_of(verdict, said))
    lines += _runs(verdict)
    lines += _attempts(verdict)
    lines += _folders(evidence)
    lines += _timings(verdict)
    for title, command in (
        ("Verify again", again.verify),
        ("Read the same run again, without a new job", again.reread),
        ("Judge the same evidence again", again.replay),
    ):
        if command:
            lines += [f"{title}:", "", *fenced(command, "sh"), ""]
    return "\n".join(lines).rstrip() + "\n"


def _finding(finding: FindingView) -> Iterator[str]:
    kind = "Also a cause" if finding.kind == "also" else finding.severity.capitalize()
    # The title of the root cause stands in the sentence above.
    yield from ("### Root cause" if finding.kind == "cause" else f"### {kind}: {plain(finding.title)}", "")
    yield from (f"{span(finding.id)}" + (f": {finding.when}" if finding.when else ""), "")
    if finding.observed:
        yield from ("What was seen:", "", *fenced("\n".join(finding.observed), "text"), "")
    if finding.steps:
        yield from ("What to do:", "")
    for step in finding.steps:
        first = "- "
        for part in step:
            if part.kind == "text":
                yield f"{first}{plain(part.text)}"
            else:
                yield from ("", *(f"  {line}" for line in fenced(part.text, "sh")))
            first = "  "
        yield ""
    sources = [plain(f"Guide: {finding.guide}.")] if finding.guide else []
    if sources or finding.links:
        yield from (" ".join([*sources, *(f"<{url}>" for url in finding.links)]), "")


def _doubts(verdict: Verdict, again: NextCommands) -> Iterator[str]:
    found = doubts(verdict.checks)
    if found:
        yield from ("### Why it could not be settled", "")
        yield from (f"- {plain(reason)}" + (f" ({count} checks)" if count > 1 else "") for reason, count in found)
        what = "read the same run again" if again.reread else "verify again"
        yield from ("", f"No check failed. When this is fixed, {what}: see the end of this page.", "")


def _checks(groups: list[Group]) -> Iterator[str]:
    if not groups:
        return
    yield from ("### What was checked", "", "| | check | outcome | why |", "|---|---|---|---|")
    for group in groups:
        by = f" by {span(group.blocker.blocked_by)}" if group.blocker else ""
        told = ", ".join(text + (by if outcome == "blocked" else "") for outcome, text in group.counts)
        yield f"| | **{plain(group.title)}** | {told} | |"
        for check in group.checks:
            if check.outcome != "passed" and not (check.blocked_by and group.blocker):
                yield _row(check)
    yield ""


def _row(check: CheckView) -> str:
    name = check.name + (f"[{', '.join(check.params)}]" if check.params else "")
    why = f"blocked by {span(check.blocked_by)}" if check.blocked_by else plain(check.reason)
    return f"| {SIGNS[check.outcome]} | {span(name)} | {check.word} | {why} |"


def _runs(verdict: Verdict) -> Iterator[str]:
    runs = runs_of(verdict)
    if not runs:
        return
    yield from (f"### Runs ({len(verdict.runs)})", "")
    for run in runs:
        place = f"<{run.url}>" if run.url else span(run.path)
        yield f"- {place} {plain(run.name)}: {plain(run.state)}" + ("" if run.source == "server" else ", on disk only")
    if len(verdict.runs) > len(runs):
        yield f"- and {len(verdict.runs) - len(runs)} more"
    yield ""


def _attempts(verdict: Verdict) -> Iterator[str]:
    if verdict.attempts:
        yield from ("### Attempts", "", *(f"- {plain(line)}" for line in attempts.lines(verdict)), "")


def _folders(evidence: Evidence) -> Iterator[str]:
    for run, sentences in told_folders(evidence):
        yield from (f"Folder {span(run.path)}:", "")
        yield from (f"- {plain(words)}" + (f": {span(command)}" if command else "") for words, command in sentences)
        yield ""
    if rest := others(evidence):
        yield from (plain(rest), "")


def _timings(verdict: Verdict) -> Iterator[str]:
    told = {
        clean(k, 40).removesuffix("_s").replace("_", " "): seconds(v) for k, v in list(verdict.timings.items())[:20]
    }
    versions = {clean(k, 40).replace("_", " "): clean(v, 40) for k, v in list(verdict.versions.items())[:10]}
    for title, facts in (("Timings", told), ("Versions", versions)):
        if facts:
            yield from (f"{title}: " + ", ".join(f"{plain(k)} {plain(v)}" for k, v in facts.items()), "")


def plain(text: str) -> str:
    """Write a text so that Markdown shows it as it is: no markup, no HTML, no mention of a user, no link of its own."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    escaped = _FIRST.sub(lambda m: m[1] + "".join(f"&#{ord(c)};" for c in m[2]), _SPECIAL.sub(r"\\\1", escaped))
    # Mentions, references to issues, and addresses would be turned into links.
    escaped = re.sub(r"#(?=\d)(?<!&#)", "&#35;", escaped).replace("@", "&#64;")
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")


def span(text: str) -> str:
    """Write a text as code, also one with backticks; bars stay out of the way of tables."""
    return f"`{text.replace('`', 'ˋ').replace('|', '¦')}`" if text.strip() else ""


def fenced(text: str, language: str) -> list[str]:
    """Put lines into a code block with a fence longer than any in them."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *text.splitlines(), fence]
