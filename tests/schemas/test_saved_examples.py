"""Documents saved by each released schema version still load, fit the schema, and are judged as they were.

A folder is one version. Its files stay as they are; a new version gets a folder of its own.
"""

import json
from pathlib import Path

import pytest

import harness.schemas
from harness.evidence.models import Evidence
from harness.judging.judge import judge
from harness.judging.verdict import Verdict
from harness.verification.saved_evidence import load, without_retired
from lab.schemas import DOCUMENTS

HERE = Path(__file__).parent
SHIPPED = Path(harness.schemas.__file__).parent
EXAMPLES = sorted(HERE.glob("version_*/*.json"))


@pytest.fixture
def misfits():
    """What in a document does not fit the shipped schema of its kind."""
    jsonschema = pytest.importorskip("jsonschema")

    def check(name, document):
        schema = json.loads((SHIPPED / f"{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        return [e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(document)]

    return check


def kind(path):
    return path.name.split(".")[1]


def current_fields(name, document):
    """The document without the fields that are retired, which verdicts have none of."""
    return without_retired(document) if name == "evidence" else document


def kept(old, new, where=""):
    """Where a value of the old document is missing or changed in the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [p for k in old for p in (kept(old[k], new[k], f"{where}.{k}") if k in new else [f"{where}.{k}"])]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [p for n, (a, b) in enumerate(zip(old, new, strict=True)) for p in kept(a, b, f"{where}[{n}]")]
    return [] if old == new else [where]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_saved_document_still_loads_and_loses_nothing(path, misfits):
    old = current_fields(kind(path), json.loads(path.read_text()))
    new = DOCUMENTS[kind(path)].model_validate(old).model_dump(mode="json")
    assert misfits(kind(path), new) == []
    assert kept(old, new) == []


@pytest.mark.parametrize("path", [p for p in EXAMPLES if kind(p) == "verdict"], ids=lambda p: p.stem)
def test_a_saved_verdict_fits_the_schema_as_it_stands(path, misfits):
    assert misfits("verdict", json.loads(path.read_text())) == []


@pytest.mark.parametrize("path", [p for p in EXAMPLES if kind(p) == "evidence"], ids=lambda p: p.stem)
def test_saved_evidence_is_judged_as_it_was(path):
    old = Verdict.model_validate_json(path.with_name(path.name.replace("evidence", "verdict")).read_text())
    evidence = load(path)
    assert judge(evidence).root_cause == old.root_cause


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_version_has_an_example_and_a_version_to_come_is_refused(name, misfits):
    current = DOCUMENTS[name].model_fields["schema_version"].default
    versions = {json.loads(p.read_text())["schema_version"] for p in EXAMPLES if kind(p) == name}
    assert versions == set(range(1, current + 1))
    later = json.loads(next(p for p in EXAMPLES if kind(p) == name).read_text()) | {"schema_version": current + 1}
    assert misfits(name, current_fields(name, later)) == [f"{current} was expected"]


def test_a_field_that_goes_is_found():
    assert kept({"a": [{"b": 1}]}, {"a": [{}]}) == [".a[0].b"]
    assert kept({"a": 1.0}, {"a": 1, "new": 2}) == []
    assert Evidence().schema_version == 1
