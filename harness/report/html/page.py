"""The report as one HTML file: no network, no outside resources, nothing that runs but the copy buttons."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean
from harness.judging.live.of_evidence import life_of
from harness.judging.verdict import Verdict
from harness.report.html.checks import counts, groups_of
from harness.report.html.facts import facts_of, job_in_short, last_words, runs_of, subject
from harness.report.html.findings import doubts, findings_of, sentence
from harness.report.html.pictures import pictures
from harness.report.html.rehearsals import rehearsals_of
from harness.report.html.watched import watched_of
from harness.report.next_commands import NextCommands
from harness.report.text import clock, parted


@cache
def template() -> Template:
    """The page's template; compiling it takes longer than filling it in."""
    jinja = Environment(
        loader=PackageLoader("harness.report.html"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    jinja.filters["parted"] = parted
    return jinja.get_template("report.html.j2")


def render(evidence: Evidence, verdict: Verdict, said: Mapping[str, str], again: NextCommands) -> str:
    """Return the page.

    Args:
        evidence: what happened; may be empty.
        verdict: what was made of it.
        said: each check's sentence by function name, see `html_checks.sentences`.
        again: the commands at the foot of the page.
    """
    style, script = (_asset(template().environment, name) for name in ("report.css", "report.js"))
    findings = findings_of(verdict)
    return template().render(
        policy=policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        verdict=verdict,
        sentence=sentence(verdict, life_of(evidence)),
        subject=subject(evidence.request),
        job=job_in_short(evidence),
        doubts=doubts(verdict.checks) if verdict.verdict == "inconclusive" else [],
        made=clock(evidence.created_at),
        harness=clean(evidence.harness_version, 40),
        counts=counts(verdict.checks),
        root=next((f for f in findings if f.kind == "cause"), None),
        others=[f for f in findings if f.kind != "cause"],
        groups=groups_of(verdict, said),
        pictures=pictures(evidence),
        rehearsals=rehearsals_of(evidence, verdict),
        watched=watched_of(evidence),
        runs=runs_of(verdict),
        more_runs=max(0, len(verdict.runs) - len(runs_of(verdict))),
        facts=facts_of(evidence, verdict),
        output=last_words(evidence),
        again=again,
    )


def policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: our own style and script by their hashes, and nothing else at all."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _asset(jinja: Environment, name: str) -> str:
    source, _, _ = jinja.loader.get_source(jinja, name) if jinja.loader else ("", None, None)
    return source
