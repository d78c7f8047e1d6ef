"""Evidence in, findings out: runs every rule, joins hits with the catalogue, orders them by cause."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from string import Formatter

from harness.evidence.models import Evidence
from harness.judging.advice import applies, common_values
from harness.judging.catalogue import STAGES, Entry, catalogue
from harness.judging.families import RULES
from harness.judging.rule import Rule
from harness.judging.verdict import Finding, Hit


def diagnose(evidence: Evidence, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """Return what may explain failed checks, earliest cause first; which of it counts is up to the verdict."""
    entries = catalogue()
    hits: dict[str, Hit] = {}
    for rule in rules:
        for hit in rule(evidence):
            hits.setdefault(hit.id, hit)
    kept = [h for h in hits.values() if not _follows(entries[h.id], hits)]
    values = common_values(evidence)
    findings = [_finding(h, entries[h.id], evidence, values) for h in kept]
    return tuple(sorted(findings, key=lambda f: f.stage))


def _follows(entry: Entry, hits: Iterable[str]) -> bool:
    return any(fnmatchcase(other, p) for other in hits if other != entry.id for p in entry.follows_from)


def _finding(hit: Hit, entry: Entry, evidence: Evidence, values: dict[str, str]) -> Finding:
    filled = values | hit.values
    return Finding(
        id=entry.id,
        severity=hit.severity or entry.severity,
        title=fill(entry.title, filled),
        observed=hit.observed,
        advice=tuple(fill(a.text, filled) for a in entry.advice if applies(a.when, evidence)),
        guide_section=entry.guide_section,
        links=entry.links,
        explains=(),
        fails=hit.fails if hit.fails is not None else entry.fails,
        blocks=entry.blocks,
        stage=STAGES.index(entry.stage),
    )


def fill(text: str, values: dict[str, str]) -> str:
    """Fill `{name}` with its value; a name that is not known stays as `<name>`.

    One that stands right behind a word, as in `deleted{run_id}`, brings its own space or colon: unknown, it is left
    out. Shell braces are written doubled in the catalogue: `${{#WANDB_API_KEY}}`.
    """
    parts: list[str] = []
    for literal, name, _, _ in Formatter().parse(text):
        addition = literal[-1:].isalnum() or (not literal and bool(parts))
        parts.append(literal)
        if name is not None:
            parts.append(values.get(name, "" if addition else f"<{name}>"))
    return "".join(parts)
