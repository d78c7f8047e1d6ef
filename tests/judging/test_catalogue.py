"""The catalogue is whole: every known fault is there, names only checks that exist, and can be filled in."""

import json
import re
from string import Formatter

import pytest

from harness.judging.advice import applies, common_values
from harness.judging.catalogue import FAMILIES, STAGES, catalogue, version_key
from harness.judging.findings import fill
from tests.judging import build as b
from tests.judging.fault_ids import FAULTS
from tests.repository import REPOSITORY

ENTRIES = catalogue()
CHECKS = {
    name
    for file in REPOSITORY.joinpath("checks").glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
}
GUIDE_SECTIONS = {
    "Authentication fails", "Run not visible online", "Duplicate logs in distributed training", "Verify", "-",
}  # fmt: skip


def broken(law):
    """Entries against which the law finds something, with what it finds."""
    return {entry.id: found for entry in ENTRIES.values() if (found := law(entry))}


def test_every_known_fault_is_in_the_catalogue():
    found = {e.id: (e.family, e.severity) for e in ENTRIES.values()}
    assert {fault: found.get(fault) for fault in FAULTS} == FAULTS


def test_checks_exist():
    assert broken(lambda e: {check.partition("[")[0] for check in e.fails} - CHECKS) == {}


def test_errors_explain_some_check():
    assert broken(lambda e: e.severity == "error" and not e.fails) == {}


def test_stage_family_and_guide_section_are_known():
    unknown = broken(
        lambda e: {e.stage} - set(STAGES) | {e.family} - set(FAMILIES) | {e.guide_section} - GUIDE_SECTIONS
    )
    assert unknown == {}


def test_what_it_follows_from_exists():
    known = set(ENTRIES) | set(FAULTS)
    assert broken(lambda e: {p for p in e.follows_from if "*" not in p} - (known - {e.id})) == {}


def test_it_is_written_for_people():
    assert broken(lambda e: e.title != e.title.strip() or "\n" in e.title or len(e.title) > 120) == {}
    assert broken(lambda e: not 1 <= len(e.advice) <= 8) == {}
    assert broken(lambda e: not e.meaning.rstrip().endswith((".", ")", ":"))) == {}


def test_links_are_public_and_few():
    assert broken(lambda e: len(e.links) > 3 or [link for link in e.links if not link.startswith("https://")]) == {}


def test_patterns_compile_and_match_their_own_text():
    """`$^` says that the text is another entry's too; a text with gaps need not match its own pattern."""

    def unmatched(entry):
        return [
            symptom.pattern for symptom in entry.symptoms
            if not re.search(symptom.pattern or "", symptom.text, re.MULTILINE)
            and symptom.pattern != "$^" and not re.search(r"[<…]|\(.*\)|\b[NX]\b", symptom.text)
        ]  # fmt: skip

    assert broken(unmatched) == {}


def test_advice_conditions_are_known():
    for when in {advice.when for entry in ENTRIES.values() for advice in entry.advice}:
        applies(when, b.evidence())


def test_some_advice_always_applies():
    """On LUMI and on a laptop, with the cloud and with a server of one's own, with any SDK."""
    lumi = b.evidence(request=b.evidence().request.model_copy(update={"target": "slurm"}))
    own = b.evidence(setup=b.setup(network=b.network(base_url="https://wandb.example.org")))
    nothing = b.evidence(setup=None, local=b.local(), server=b.server())
    for evidence in (b.evidence(), lumi, own, nothing):
        assert broken(lambda e, at=evidence: not any(applies(advice.when, at) for advice in e.advice)) == {}


def test_placeholders_are_names():
    """A shell brace that is not doubled would be taken for a name and swallowed."""

    def odd(entry):
        texts = (entry.title, *(a.text for a in entry.advice))
        names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}
        return {name for name in names if not re.fullmatch(r"[a-z_]+", name)}

    assert broken(odd) == {}


def test_what_somebody_else_has_to_do_is_asked_in_words():
    """Whoever is asked is named, with a sentence to send; or the page is named where one makes a key."""
    asked = re.compile(r"\b(ask|tell|send|write to)\b[^\"]*\"[^\"]{15,}[.?]\"|\{authorize_url\}", re.IGNORECASE)

    def unasked(entry):
        told = [re.sub(r"\n  .*", "", a.text) for a in entry.advice if a.cure == "outside"]
        return [text for text in told if not asked.search(text)]

    assert broken(unasked) == {}


def test_no_key_stands_in_the_catalogue():
    key = re.compile(r"\b[0-9a-f]{40}\b|wandb_v1_[A-Za-z0-9]{20}")
    assert broken(lambda e: key.search(e.model_dump_json())) == {}


def test_common_values_fill_what_they_name():
    values = common_values(b.evidence())
    assert fill("{base_url} {username} ${{#WANDB_API_KEY}}", values) == "https://api.wandb.ai me ${#WANDB_API_KEY}"


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("to {entity}", {}, "to <entity>"),
        ("to {entity}", {"entity": "team"}, "to team"),
        ("deleted{run_id}", {}, "deleted"),
        ("of run a{run_id}", {}, "of run a"),
        ("deleted{run_id}", {"run_id": ": abc"}, "deleted: abc"),
        ("{folder}{fallback}", {}, "<folder>"),
        ("echo ${{#KEY}}", {}, "echo ${#KEY}"),
    ],
)
def test_names_that_are_not_known_stay_as_placeholders(text, values, filled):
    assert fill(text, values) == filled


@pytest.mark.parametrize("second", [{"id": "first"}, {"id": "second", "stage": "the moon"}], ids=["twice", "no stage"])
def test_an_entry_that_stands_twice_or_at_no_known_stage_is_refused(tmp_path, monkeypatch, second):
    entry = {
        "id": "first", "severity": "error", "stage": "init", "title": "t", "meaning": "m.", "advice": ["a"],
        "guide_section": "-",
    }  # fmt: skip
    for family in FAMILIES:
        (tmp_path / family).mkdir()
        (tmp_path / family / "catalogue.yaml").write_text("")
    (tmp_path / "init" / "catalogue.yaml").write_text(json.dumps([entry, {**entry, **second}]))
    monkeypatch.setattr("harness.judging.catalogue.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=f"entry {second['id']}: the id stands twice or the stage is unknown"):
        catalogue.__wrapped__()


@pytest.mark.parametrize(
    ("version", "key"),
    [("0.31.0", (0, 31, 0)), ("0.31.0rc1", (0, 31, 0)), ("0.19.12.dev1", (0, 19, 12)), ("0.9", (0, 9)), ("", ())],
)
def test_versions_are_ordered_by_their_numbers(version, key):
    assert version_key(version) == key
