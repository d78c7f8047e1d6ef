"""Real scripts, rehearsed with the real SDK: one that is right passes, each wrong one is told its cause."""

import pytest

from harness.judging.judge import judge
from harness.settings.resolve import resolve
from harness.verification.progress import Silent
from harness.verification.verify import verify
from tests.in_ci import first_in_ci
from tests.verification.rehearsal import scripts
from tests.verification.rehearsal.conftest import environment
from tests.verification.rehearsal.twelve import TWELVE

pytestmark = pytest.mark.slow


def test_the_built_in_job_survives_all(tmp_path):
    settings = resolve({"harness_wandb_rehearse": "all"}, {}, lambda _: "", tmp_path)
    (tmp_path / "report").mkdir()
    verdict = judge(verify(settings, tmp_path / "report", Silent(), environment()))
    assert [(one.case, one.text) for one in verdict.rehearsals if one.outcome != "passed"] == []
    assert verdict.verdict == "passed"


def test_a_script_that_is_right_survives_all(played):
    verdict = played(scripts.RIGHT, "all")
    assert [(one.case, one.outcome) for one in verdict.rehearsals if one.outcome != "passed"] == []
    assert verdict.verdict == "passed"
    assert len(verdict.rehearsals) == 10


@pytest.mark.thorough
def test_ranks_of_torchrun_that_are_right_survive(played):
    verdict = played(scripts.RANKS, "all", "middle slow sigterm kill usr1", nproc="2")
    assert [(one.case, one.text) for one in verdict.rehearsals if one.outcome != "passed"] == []
    assert (verdict.verdict, len(verdict.rehearsals)) == ("passed", 4)


@pytest.mark.sample
def test_a_script_without_an_id_makes_a_new_run(played):
    assert played(scripts.NO_ID, "requeue", "sigterm").root_cause == "reh-new-run"


@pytest.mark.parametrize(
    ("script", "plan", "patience_s", "cause"),
    [
        ("RAISES", "start refuse", 60.0, "reh-init-raises"),
        ("BLOCKS", "start refuse", 15.0, "reh-init-blocks"),
        ("WITHOUT_RUN", "start refuse", 60.0, "reh-goes-on-without-run"),
        ("FINISH_BLOCKS", "end refuse", 15.0, "reh-finish-blocks"),
        ("WAITS", "end silence", 15.0, "reh-loop-waits"),
        *(pytest.param(*case, marks=pytest.mark.thorough) for case in (
            ("CALL_RAISES", "end refuse", 60.0, "reh-call-raises"),
            ("IMPATIENT", "end refuse", 60.0, "reh-ends-without-finish"),
            ("DAMAGED", "end refuse", 60.0, "reh-sync-fails"),
        )),
    ],
)  # fmt: skip
def test_what_an_outage_breaks_is_named(played, script, plan, patience_s, cause):
    verdict = played(getattr(scripts, script), "outage", plan, patience_s)
    assert verdict.root_cause == cause
    assert [f.id for f in verdict.findings if f.explains] == [cause]


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("CONFIG", "reh-config-changes"),
        ("DEAF", "reh-sigterm-not-handled"),
        *(pytest.param(*case, marks=pytest.mark.thorough) for case in (
            ("FOLDER_AGAIN", "reh-second-start-fails"),
            ("SELDOM", "reh-rows-doubled"),
            ("SAVES_FIRST", "reh-rows-lost"),
        )),
    ],
)  # fmt: skip
def test_what_a_requeue_breaks_is_named(played, script, cause):
    assert played(getattr(scripts, script), "requeue", "sigterm").root_cause == cause


@pytest.mark.parametrize("script", first_in_ci(TWELVE), ids=lambda script: script.name)
def test_both_rehearsals_judge_a_script_right(played, script):
    nproc = str(script.ranks) if script.ranks > 1 else None
    verdict = played(script.text, "all", f"{script.outage} sigterm", 20.0, nproc)
    expected = (script.cause_of_outage, script.cause_of_requeue)
    outcomes = ["failed" if cause else "passed" for cause in expected]
    assert [one.outcome for one in verdict.rehearsals] == outcomes, [one.text for one in verdict.rehearsals]
    assert verdict.root_cause == (expected[0] or expected[1])
