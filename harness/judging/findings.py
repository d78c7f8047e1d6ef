"""From hits to findings: runs the rules, and joins what they say with the words of the catalogue."""

import shlex
from collections.abc import Collection, Iterable
from string import Formatter

from harness.evidence.models import Evidence, Request
from harness.judging.advice import applies, common_values
from harness.judging.catalogue import STAGES, Advice, Entry, catalogue
from harness.judging.cures import cure as cures
from harness.judging.cures.typed_options import as_options
from harness.judging.families import RULES
from harness.judging.frameworks import in_words_of, logging_framework
from harness.judging.rule import Hit, Rule
from harness.judging.verdict import Finding

CHECK_IN_CLONE: str = Request.model_fields["command"].default
"""The command that the catalogue speaks of."""
QUOTED = frozenset({
    "script", "run_dir", "python", "netrc", "wandb_dir", "cwd", "home", "folder", "file", "ca_bundle", "key_file",
    "tmpdir", "batch_script", "log_file", "run_path", "suggested", "expect_there", "mode_file", "renamed", "hiding",
    "likely_url", "rocm_smi",
    "username", "own_entity", "project_alone", "slurm_time", "base_url",
})  # fmt: skip
"""Values that may hold what bash would take apart."""


def hits_of(evidence: Evidence, rules: Iterable[Rule] = RULES) -> tuple[Hit, ...]:
    """Run every rule; of several hits of one fault the first counts, whatever the order in which rules are given."""
    found: dict[str, Hit] = {}
    for rule in sorted(rules, key=lambda r: (r.__module__, r.__name__)):
        for hit in rule(evidence):
            found.setdefault(hit.id, hit)
    return tuple(sorted(found.values(), key=lambda h: (STAGES.index(catalogue()[h.id].stage), h.id)))


def diagnose(evidence: Evidence, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """Return all that the rules say, earliest stage first; which of it counts is up to the judge."""
    values = common_values(evidence)
    return tuple(finding(hit, evidence, values) for hit in hits_of(evidence, rules))


def finding(hit: Hit, evidence: Evidence, values: dict[str, str]) -> Finding:
    """Tell a hit in the words of its entry, filled in with what is known."""
    entry: Entry = catalogue()[hit.id]
    filled = values | hit.values
    steps = [_step(a, filled, evidence) for a in entry.advice if applies(a.when, evidence, filled)]
    # What can be carried out comes first: that is what one tries.
    steps.sort(key=lambda step: not (step[1] and step[1].ready))
    return Finding(
        id=entry.id,
        severity=hit.severity or entry.severity,
        title=fill(entry.title, filled),
        observed=hit.observed,
        advice=tuple(text for text, _ in steps),
        cure=next((cure for _, cure in steps if cure), None),
        guide_section=entry.guide_section,
        links=entry.links,
    )


def _step(advice: Advice, values: dict[str, str], evidence: Evidence) -> tuple[str, cures.Cure | None]:
    """An advice in the user's own names, and how it is carried out."""

    def in_users_words(text: str) -> str:
        words = in_words_of(logging_framework(evidence), fill(text, values, quoted=QUOTED), values["project"])
        return with_command(words, evidence.request.command)

    text = in_users_words(advice.shown)
    if advice.cure is None:
        return text, None
    if advice.edit:
        edit = cures.filled(advice.edit, values)
        needs = fill(f"  {advice.needs}", values, quoted=QUOTED).strip()
        cure = cures.edited(edit, evidence, needs) if edit else cures.Cure(kind="edit")
        return cures.told(text, cure), cure
    if (by_hand := as_options(text, evidence.request.typed)) != text:
        return by_hand, cures.Cure(kind="edit")
    return text, cures.written(advice.cure, in_users_words(advice.text))


def fill(text: str, values: dict[str, str], quoted: Collection[str] = ()) -> str:
    """Fill `{name}` with its value; a name that is not known stays as `<name>`.

    Names in `quoted` are quoted for bash where they stand in an indented line: that is a command.

    One that stands right behind a word, as in `deleted{run_id}`, brings its own space or colon: unknown, it is left
    out. Shell braces are written doubled in the catalogue: `${{#WANDB_API_KEY}}`.
    """
    parts: list[str] = []
    for literal, name, _, _ in Formatter().parse(text):
        addition = literal[-1:].isalnum() or (not literal and bool(parts))
        parts.append(literal)
        if name is not None:
            value = values.get(name, "" if addition else f"<{name}>")
            line = "".join(parts).rpartition("\n")[2]
            parts.append(_for_bash(value, line) if name in quoted and line.startswith("  ") else value)
    return "".join(parts)


def _for_bash(value: str, before: str) -> str:
    """Quote a value for bash, within single quotes too; what is a placeholder or bash's own to expand stays."""
    if value.startswith(("<", "~/", "$")) or not value:
        return value
    quoted = shlex.quote(value)
    return quoted.replace("'", "'\\''") if before.count("'") % 2 else quoted


def with_command(text: str, command: str) -> str:
    """Name the command that the user has."""
    if command == CHECK_IN_CLONE:
        return text
    text = text.replace(CHECK_IN_CLONE, command).replace("python -m harness ", "lumi-wandb ")
    return text.replace("pip install -e '.[local]'", "pip install 'lumi-wandb-harness[local]'")
