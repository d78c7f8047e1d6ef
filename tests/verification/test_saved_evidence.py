"""Evidence that was saved by an earlier version loads without the fields that nothing reads any more."""

import json

import pytest

from harness.evidence.models import (
    Device,
    Evidence,
    JobOutput,
    LogLine,
    NodeTelemetry,
    SdkLogs,
    SlurmJob,
    Telemetry,
)  # fmt: skip
from harness.evidence.models.wandb_log import LocalEnvironment, RunFacts
from harness.settings.model import SettingsError
from harness.verification.saved_evidence import RETIRED, load, without_retired
from tests.judging import build as b


def document():
    """Evidence with a run on disk and on the server, and a Slurm job, as plain data."""
    log = b.log(
        run=RunFacts(), environment=LocalEnvironment(), series={"loss": b.disk_series("loss", [1.0])},
        system={"cpu": b.disk_system("cpu", [1.0])},
    )  # fmt: skip
    server = b.server(b.server_run(system={"cpu": b.system("cpu", [1.0])}))
    full = b.evidence(
        local=b.local(b.local_run(log=log, sdk_logs=SdkLogs(lines=(LogLine(file="debug.log", text="x"),)))),
        server=server, synced=server,
        job=b.job(slurm=SlurmJob(), output=JobOutput(errors=(b.error("KeyError", "x"),))),
        telemetry=Telemetry(nodes=(NodeTelemetry(host="nid1", devices=(Device(index=0),)),)),
    )  # fmt: skip
    return json.loads(full.model_dump_json())


def places(node, path):
    """The objects of a document in which the last name of a path may stand."""
    first, *rest = path
    if not rest:
        return [node] if isinstance(node, dict) else []
    if first == "*":
        entries = node.values() if isinstance(node, dict) else node or ()
        return [found for entry in entries for found in places(entry, rest)]
    return places(node.get(first), rest) if isinstance(node, dict) else []


def test_every_retired_field_is_taken_out_wherever_it_stands(tmp_path):
    old = document()
    for path in RETIRED:
        found = places(old, path.split("."))
        assert found, path
        for place in found:
            place[path.rpartition(".")[2]] = "anything"
    saved = tmp_path / "evidence.json"
    saved.write_text(json.dumps(old))
    assert load(saved) == Evidence.model_validate(document())


def test_no_retired_field_is_one_of_today():
    assert without_retired(document()) == document()


FULL = json.dumps(document())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (FULL[: len(FULL) // 2], "it is cut off; copy it again"),
        ("Epoch 1, Loss: 2", "it is no JSON"),
        ("[1, 2]", "it is JSON of something else"),
        ('{"name": "notes"}', "it is JSON of something else"),
        ('{"schema_version": 1, "verdict": "passed", "findings": []}', "it is a verdict; the evidence lies beside it"),
        (json.dumps(document() | {"schema_version": 7}), "its schema_version is 7, this version reads 1; a newer one"),
        (json.dumps(document() | {"mood": "good"}), "it holds mood, which is not known here; another version wrote it"),
        (json.dumps(document() | {"local": 7}), "local is not as it should be"),
    ],
)  # fmt: skip
def test_what_is_no_evidence_is_refused_in_plain_words(tmp_path, text, why):
    saved = tmp_path / "evidence.json"
    saved.write_text(text)
    with pytest.raises(SettingsError, match=r"is not evidence that this version can read") as refusal:
        load(saved)
    assert f"({why}" in str(refusal.value)
    assert "\n" not in str(refusal.value)
