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
ENTRY = pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
CHECKS = {
    name
    for file in REPOSITORY.joinpath("checks").glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
}
GUIDE_SECTIONS = {
    "Authentication fails", "Run not visible online", "Duplicate logs in distributed training", "Verify", "-",
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_known_fault_is_in_the_catalogue(fault):
    family, severity = FAULTS[fault]
    assert (ENTRIES[fault].family, ENTRIES[fault].severity) == (family, severity)


@ENTRY
def test_checks_exist(entry):
    assert {check.partition("[")[0] for check in entry.fails} <= CHECKS


@ENTRY
def test_errors_explain_some_check(entry):
    assert entry.severity != "error" or entry.fails


@ENTRY
def test_stage_family_and_guide_section_are_known(entry):
    assert entry.stage in STAGES
    assert entry.family in FAMILIES
    assert entry.guide_section in GUIDE_SECTIONS


@ENTRY
def test_what_it_follows_from_exists(entry):
    patterns = [p for p in entry.follows_from if "*" not in p]
    assert set(patterns) <= set(ENTRIES) | set(FAULTS)
    assert entry.id not in patterns


@ENTRY
def test_it_is_written_for_people(entry):
    assert entry.title == entry.title.strip()
    assert "\n" not in entry.title
    assert len(entry.title) <= 120
    assert 1 <= len(entry.advice) <= 8
    assert entry.meaning.rstrip().endswith((".", ")", ":"))


@ENTRY
def test_links_are_public_and_few(entry):
    assert len(entry.links) <= 3
    assert all(link.startswith("https://") for link in entry.links)


@ENTRY
def test_patterns_compile_and_match_their_own_text(entry):
    for symptom in entry.symptoms:
        found = re.search(symptom.pattern or "", symptom.text, re.MULTILINE)
        # `$^` says that the text is another entry's too; a text with gaps need not match its own pattern.
        assert found or symptom.pattern == "$^" or re.search(r"[<…]|\(.*\)|\b[NX]\b", symptom.text), symptom.pattern


@ENTRY
def test_advice_conditions_are_known(entry):
    for advice in entry.advice:
        applies(advice.when, b.evidence())


@ENTRY
def test_some_advice_always_applies(entry):
    """On LUMI and on a laptop, with the cloud and with a server of one's own, with any SDK."""
    lumi = b.evidence(request=b.evidence().request.model_copy(update={"target": "slurm"}))
    own = b.evidence(setup=b.setup(network=b.network(base_url="https://wandb.example.org")))
    for evidence in (b.evidence(), lumi, own, b.evidence(setup=None, local=b.local(), server=b.server())):
        assert any(applies(advice.when, evidence) for advice in entry.advice)


@ENTRY
def test_placeholders_are_names(entry):
    """A shell brace that is not doubled would be taken for a name and swallowed."""
    texts = (entry.title, *(a.text for a in entry.advice))
    names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names), names


@ENTRY
def test_what_somebody_else_has_to_do_is_asked_in_words(entry):
    """Whoever is asked is named, with a sentence to send; or the page is named where one makes a key."""
    asked = re.compile(r"\b(ask|tell|send|write to)\b[^\"]*\"[^\"]{15,}[.?]\"|\{authorize_url\}", re.IGNORECASE)
    told = [re.sub(r"\n  .*", "", a.text) for a in entry.advice if a.cure == "outside"]
    assert [text for text in told if not asked.search(text)] == []


def test_common_values_fill_what_they_name():
    values = common_values(b.evidence())
    assert fill("{base_url} {username} ${{#WANDB_API_KEY}}", values) == "https://api.wandb.ai me ${#WANDB_API_KEY}"


@ENTRY
def test_no_key_stands_in_the_catalogue(entry):
    assert not re.search(r"\b[0-9a-f]{40}\b|wandb_v1_[A-Za-z0-9]{20}", entry.model_dump_json())


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
