"""The facts below the pictures that the SDK itself told."""

from harness.evidence.models import (
    Device,
    LibraryProbe,
    NodeTelemetry,
    SdkSettings,
    SettingProblem,
    Telemetry,
    Trouble,
)
from harness.evidence.models.wandb_log import LocalEnvironment, LogProblem
from harness.judging.verdict import Verdict
from harness.report.html.facts import facts_of
from tests.judging import build as b

VERDICT = Verdict(verdict="passed", root_cause=None, findings=(), checks=())


def settings(sdk):
    """The rows about W&B's settings, by name."""
    found = {f.title: f.rows for f in facts_of(b.evidence(setup=b.setup(sdk=sdk)), VERDICT)}
    return {row.name: row.value for row in found.get("W&B settings", ())}


def test_what_the_sdk_was_set_to():
    why = SettingProblem(setting="x", text="Extra inputs", where="/w/settings", outcome="files_ignored")
    sdk = SdkSettings(
        mode="online", base_url="https://api.wandb.ai", entity="team", console="wrap", root_dir="/w", problems=(why,),
        warnings=("WARNING old",), changed_variables=("WANDB_MODE",),
    )  # fmt: skip
    assert settings(sdk) == {
        "told by": "the SDK itself, in /usr/bin/python3", "mode": "online", "server": "https://api.wandb.ai",
        "entity": "team", "console": "wrap", "folder of wandb/": "/w", "API key from": "WANDB_API_KEY",
        "changed by Python or its container": "WANDB_MODE", "not taken": "/w/settings: x Extra inputs",
        "the SDK warned": "WARNING old",
    }  # fmt: skip


def test_an_sdk_that_told_nothing_is_said_to_have():
    late = Trouble(kind="timeout", text="no answer within 20 s")
    assert settings(SdkSettings(trouble=late)) == {
        "told by": "files and variables; the SDK told nothing: no answer within 20 s",
        "API key from": "WANDB_API_KEY",
    }


def test_evidence_of_a_harness_that_did_not_ask_has_no_such_rows():
    assert settings(None) == {}


def rows(title, **parts):
    """The rows of one kind, by name."""
    return {row.name: row.value for f in facts_of(b.evidence(**parts), VERDICT) if f.title == title for row in f.rows}


def test_a_run_directory_with_all_that_is_odd_about_it():
    damaged = LogProblem(offset=2048, what="undecodable_record", skipped_bytes=7, detail="not a protobuf message")
    log = b.log(
        path="/w/run-x.wandb", size_bytes=4096, history_rows=3, repeated_steps=1, version=1, problems=(damaged,),
        files_dropped=5, preempting=True, environment=LocalEnvironment(program="train.py", os="Linux-6.1"),
    )  # fmt: skip
    local = b.local(b.local_run(path="/w/run-x", log=log, synced_marker=True), folders=("/w",))
    assert rows("On disk", local=local) == {
        "looked in": "/w",
        "/w/run-x": "complete, 4,096 B, 3 rows, 1 at a step that was there already, format 1, uploaded by wandb sync, "
        "marked as about to be preempted",
        "damaged at byte 2,048": "undecodable_record: not a protobuf message",
        "too many to keep": "5 files",
        "made by": "train.py on Linux-6.1",
    }


def test_the_gpus_of_a_node():
    node = NodeTelemetry(
        host="nid005017", devices=(Device(index=0, power_reported=True), Device(index=1, power_reported=False)),
        library=LibraryProbe(loadable=True, version="6.0"), visible_variables={"ROCR_VISIBLE_DEVICES": "0,1"},
    )  # fmt: skip
    assert rows("GPUs", telemetry=Telemetry(nodes=(node,))) == {
        "nid005017": "2 GPUs as rocm-smi lists them; librocm_smi64.so 6.0 loads; 1 report no power; "
        "ROCR_VISIBLE_DEVICES=0,1"
    }
