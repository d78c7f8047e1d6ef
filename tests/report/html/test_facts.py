"""The facts below the pictures that the SDK itself told."""

from harness.evidence.models import SdkSettings, SettingProblem, Trouble
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
