"""The page of all faults in Markdown, generated from the catalogue: `python -m harness faults --markdown`."""

from collections.abc import Iterator

from harness.commands.explain import condition
from harness.evidence.models import Evidence
from harness.judging.advice import common_values
from harness.judging.catalogue import FAMILIES, Entry, catalogue
from harness.judging.findings import fill

PROOF = {
    "real_sdk": "injected with the real SDK",
    "real_slurm": "injected on a real Slurm",
    "real_files": "on files that a real SDK left",
    "evidence": "on evidence built from the source",
}


def page() -> str:
    """Return the whole page."""
    lines = [
        "# Faults", "",
        "Generated from `harness/judging/families/` by `python -m harness faults --markdown`.", "",
    ]  # fmt: skip
    for family in FAMILIES:
        lines += [f"## {family.replace('_', ' ').capitalize()}", ""]
        for entry in catalogue().values():
            if entry.family == family:
                lines += _section(entry)
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Entry) -> Iterator[str]:
    yield from (f"### {entry.id}", "")
    values = common_values(Evidence())
    yield from (f"**{_plain(fill(entry.title, values))}** ({entry.severity}; proven {PROOF[entry.proof]})", "")
    yield from (_plain(fill(entry.meaning, values).strip()), "")
    for symptom in entry.symptoms:
        yield from ("```", *symptom.text.strip().replace("```", "'''").splitlines(), "```", "")
    for advice in entry.advice:
        first, *rest = fill(advice.text, values).strip().splitlines()
        yield f"- {condition(advice.when)}{_plain(first)}"
        if rest:
            yield from ("", "  ```", *(f"  {line}" for line in rest), "  ```", "")
    yield ""
    where = [] if entry.guide_section == "-" else [f"Guide: {entry.guide_section}."]
    yield from (" ".join([*where, *(f"<{link}>" for link in entry.links)]), "")


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|").replace("*", "\\*")
