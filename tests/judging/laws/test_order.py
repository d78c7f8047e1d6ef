"""Law 1: the verdict does not depend on the order of rules or checks, or on which checks were selected."""

import json
import os
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judging.checks import CHECKS
from harness.judging.families import RULES
from harness.judging.judge import judge
from harness.judging.rule import Hit
from tests.faults.recorded import recordings, verdict
from tests.judging.laws.drawing import names
from tests.repository import REPOSITORY


@settings(max_examples=50, deadline=None)
@given(names(), st.randoms(use_true_random=False))
def test_order_of_rules_and_checks(name: str, dice: random.Random):
    rules, checks = list(RULES), list(CHECKS)
    dice.shuffle(rules)
    dice.shuffle(checks)
    usual, other = verdict(name), judge(recordings()[name], rules=rules, checks=checks)
    assert other.root_cause == usual.root_cause
    assert other.findings == usual.findings
    assert {c.name: c for c in other.checks} == {c.name: c for c in usual.checks}


def test_two_rules_that_speak_of_one_fault():
    def early(_evidence):
        return [Hit(id="auth-key-in-script", observed=("early",)), Hit(id="auth-no-key", observed=("early",))]

    def late(_evidence):
        return [Hit(id="auth-no-key", observed=("late",)), Hit(id="auth-key-in-script", observed=("late",))]

    evidence = recordings()["no-key"]
    assert judge(evidence, rules=[early, late]) == judge(evidence, rules=[late, early])


@pytest.mark.slow
@pytest.mark.parametrize(
    "selection", [[], ["-k", "finished"], ["test_4_metrics.py::test_series_is_present[loss]"]], ids=["all", "k", "id"]
)
def test_selection_of_checks(selection, tmp_path):
    """One recording in which a crash brings others down: the part that pytest shows is the same part of the whole."""
    evidence = recordings()["killed"]
    (tmp_path / "evidence.json").write_text(evidence.model_dump_json())
    chosen = [word for word in selection if "::" in word]
    where = [str(REPOSITORY / "checks" / word) for word in chosen] or [str(REPOSITORY / "checks")]
    options = [word for word in selection if word not in chosen]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS", "PYTEST"))}
    subprocess.run(
        [sys.executable, "-m", "pytest", *where, "-c", str(REPOSITORY / "pyproject.toml"), "--rootdir", str(REPOSITORY),
         "-p", "no:cacheprovider", "--replay", "evidence.json", "--report", "report", *options],
        cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    told, whole = json.loads((tmp_path / "report/verdict.json").read_text()), judge(evidence).model_dump(mode="json")
    assert (told["root_cause"], told["findings"]) == (whole["root_cause"], whole["findings"])
    assert {c["name"]: (c["outcome"], c["reason"]) for c in told["checks"]} == {
        c["name"]: (c["outcome"], c["reason"]) for c in whole["checks"]
    }
