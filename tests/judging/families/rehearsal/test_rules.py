"""The causes that a rehearsal brings to light, each beside what is healthy."""

import pytest

from harness.evidence.models import ScriptSource
from harness.judging.judge import judge
from harness.judging.verdict import Verdict
from tests.judging.build import error
from tests.judging.families.rehearsal.played import BROUGHT, hung, lacking, outage, rehearsed, requeue, twice

SURVIVES, KEEPS = "test_training_survives_an_outage", "test_an_outage_loses_nothing"
CONTINUES, LOSES = "test_a_restart_continues_the_run", "test_a_restart_loses_nothing"
FAILED = {"exit_code": 1, "rows": 0, "run_ids": (), "ended_in_order": False}
NO_KEY_CHANGE = error("wandb.sdk.lib.config_util.ConfigError", 'Attempted to change value of key "t" from 1 to 2')
OTHER_RUN = {"second": {"run_ids": ("ab12cd34",), "resumed": False}, "runs_on_server": ("job-7", "ab12cd34")}


def outcomes(verdict: Verdict) -> dict[str, str]:
    """Outcomes of the four checks by their names."""
    return {c.name.partition("::")[2]: c.outcome for c in verdict.checks if c.name.startswith("test_7")}


def test_what_survives_and_continues_passes_without_a_word():
    verdict = judge(rehearsed(outage(), outage(**BROUGHT, when="end"), requeue()))
    assert outcomes(verdict) == dict.fromkeys((SURVIVES, KEEPS, CONTINUES, LOSES), "passed")
    assert (verdict.verdict, [f.id for f in verdict.findings]) == ("passed", ["reh-needs-sync"])
    assert [one.outcome for one in verdict.rehearsals] == ["passed"] * 3
    assert verdict.rehearsals[1].sync == ("wandb sync a",)


@pytest.mark.parametrize(
    ("case", "cause", "failed"),
    [
        (outage(first=hung("init", "init_run", "wait"), when="start"), "reh-init-blocks", SURVIVES),
        (outage(first=hung("__exit__", "_finish"), when="end"), "reh-finish-blocks", SURVIVES),
        (outage(first=hung("wait", "_wait_for")), "reh-loop-waits", SURVIVES),
        (outage(first={**FAILED, "errors": (error("wandb.errors.CommError", "x"),)}), "reh-init-raises", SURVIVES),
        (outage(first={**hung("teardown_atexit"), "rows": 0, "errors": (error("wandb.errors.CommError", "x"),)}),
         "reh-init-raises", SURVIVES),
        (outage(first={"exit_code": 1, "errors": (error("ValueError", "x"),)}), "reh-call-raises", SURVIVES),
        (outage(first={"rows": 0, "ended_in_order": False}, rows_on_disk=0, rows_on_server=0),
         "reh-goes-on-without-run", KEEPS),
        (outage(first={"rows": 0}, rows_on_disk=0, rows_on_server=0), "reh-goes-on-without-run", KEEPS),
        (outage(first={"rows": 4}, rows_on_disk=4, rows_on_server=4), "reh-goes-on-without-run", KEEPS),
        (outage(first={"ended_in_order": False}, rows_on_disk=7, rows_on_server=7), "reh-ends-without-finish", KEEPS),
        (outage(**{**BROUGHT, "rows_after_sync": 12}, first={"ended_in_order": False, "rows": 8}, rows_on_disk=8),
         "reh-ends-without-finish", KEEPS),
        (outage(**lacking()), "reh-sync-fails", KEEPS),
        (requeue(**OTHER_RUN), "reh-new-run", CONTINUES),
        (requeue(second={"exit_code": 1, "errors": (NO_KEY_CHANGE,)}), "reh-config-changes", CONTINUES),
        (requeue(second={"exit_code": 1, "errors": (error("OSError", "x"),)}), "reh-second-start-fails", CONTINUES),
        (requeue(second={"rows": 10}, rows_on_server=14), "reh-no-checkpoint", LOSES),
        (requeue(second={"dropped": "Tried to log to step 0 that is less than the current step 4"}),
         "reh-step-starts-again", LOSES),
        (requeue(second={"rows": 7}, rows_on_server=11), "reh-rows-doubled", LOSES),
        (requeue(first={"ended_in_order": False, "rows": 0}, rows_on_server=7), "reh-sigterm-not-handled", LOSES),
        (requeue(rows_on_server=9), "reh-rows-lost", LOSES),
        (requeue(how="kill", rows_on_server=5, undisturbed_s=200.0), "reh-rows-lost", LOSES),
        (twice(third={"exit_code": 1, "errors": (error("OSError", "x"),)}), "reh-second-start-fails", CONTINUES),
        (twice(third={"run_ids": ("ab12cd34",)}), "reh-new-run", CONTINUES),
        (twice(third={"rows": 10}), "reh-no-checkpoint", LOSES),
    ],
)  # fmt: skip
def test_each_way_to_be_wrong_is_named(case, cause, failed):
    verdict = judge(rehearsed(outage(), requeue(), case))
    assert verdict.root_cause == cause
    assert [name for name, outcome in outcomes(verdict).items() if outcome == "failed"] == [failed]
    assert verdict.rehearsals[2].outcome == "failed"


def test_rows_that_go_with_a_failed_node_are_told_and_fail_nothing():
    verdict = judge(rehearsed(requeue(how="kill", rows_on_server=8, first={"run_ids": (), "rows": 0})))
    assert [f.id for f in verdict.findings] == ["reh-node-takes-rows"]
    assert verdict.rehearsals[0].case == "requeue: node failure"
    assert verdict.rehearsals[0].text.endswith(
        "8 of 10 rows, none twice; 2 that were not uploaded yet went with the node"
    )


def test_a_row_since_the_last_checkpoint_may_be_logged_again():
    said = "Tried to log to step 4 that is less than the current step 5"
    assert judge(rehearsed(requeue(second={"dropped": said}, undisturbed_first_step=1))).verdict == "inconclusive"


def batch(text, rehearse="requeue"):
    evidence = rehearsed(requeue(), rehearse=rehearse)
    setup = evidence.setup.model_copy(update={"source": ScriptSource(path="job.sh", text=text)})
    request = evidence.request.model_copy(update={"job_kind": "batch", "job_path": "job.sh"})
    return judge(evidence.model_copy(update={"setup": setup, "request": request}))


def test_what_the_batch_script_says_of_a_requeue_is_read():
    verdict = batch("#!/bin/bash\n#SBATCH --no-requeue\nsrun python train.py\n")
    assert [f.id for f in verdict.findings] == ["reh-no-requeue", "reh-output-overwritten"]
    assert "-#SBATCH --no-requeue\n+#SBATCH --requeue\n" in verdict.findings[0].cure.patch
    assert "+#SBATCH --open-mode=append\n" in verdict.findings[1].cure.patch
    assert batch("#SBATCH --requeue --open-mode=append\nsrun python train.py\n").findings == ()
    assert batch("python train.py\n").findings == ()
    assert batch("#SBATCH -n1\nsrun python train.py\n", rehearse="outage").findings == ()


def test_an_id_of_a_random_number_is_told_from_none():
    verdict = judge(rehearsed(requeue(**OTHER_RUN), init_arguments={"id": "str(time.time())"}))
    assert verdict.root_cause == "reh-id-changes"
    assert "str(time.time())" in verdict.findings[0].observed[0]


def test_an_id_that_the_sdk_would_not_make_is_the_jobs_own():
    verdict = judge(rehearsed(requeue(**{**OTHER_RUN, "second": {"run_ids": ("1795967133612160794",)}})))
    assert verdict.root_cause == "reh-id-changes"


def test_a_new_run_that_trains_from_the_beginning_says_what_a_requeue_costs():
    verdict = judge(rehearsed(requeue(**{**OTHER_RUN, "second": {"run_ids": ("ab12cd34",), "rows": 10}})))
    assert any("all GPU-hours since the job began" in text for text in verdict.findings[0].observed)


def test_rows_of_several_runs_are_lost_only_where_no_run_has_them():
    new_run = "a later start made a new run, so there are 2"
    assert judge(rehearsed(requeue(**OTHER_RUN))).rehearsals[0].text == new_run
    died = {"rows": 0, "ended_in_order": False}
    verdict = judge(rehearsed(requeue(**OTHER_RUN, first=died, rows_on_server=6)))
    assert verdict.rehearsals[0].text == f"{new_run}; 4 of 10 rows are in none of these runs"
    assert [f.id for f in verdict.findings] == ["reh-new-run", "reh-sigterm-not-handled"]


def test_the_line_that_waits_is_named():
    verdict = judge(rehearsed(outage(first=hung("wait"))))
    assert verdict.findings[0].observed[1] == "/scratch/me/train.py, line 12 in <module>"


def test_a_job_that_still_trains_when_its_time_is_over_was_held_up():
    assert judge(rehearsed(outage(first=hung()))).root_cause == "reh-held-up"


def test_a_long_delay_is_told_and_fails_nothing():
    verdict = judge(rehearsed(outage(first={"ended_s": 40.0}), rehearse="outage"))
    assert (verdict.verdict, [f.id for f in verdict.findings]) == ("passed", ["reh-held-up"])
    assert verdict.rehearsals[0].held_up_s == 30.0


def test_a_job_that_trains_for_a_given_time_may_log_a_little_less():
    verdict = judge(rehearsed(outage(rows_on_disk=7, rows_on_server=7), rehearse="outage"))
    assert verdict.verdict == "passed"
    assert "7 of 10 rows were logged" in verdict.rehearsals[0].text


def test_rows_that_the_sync_sent_again_are_told_and_fail_nothing():
    verdict = judge(rehearsed(outage(**{**BROUGHT, "rows_after_sync": 14}), rehearse="outage"))
    assert verdict.verdict == "passed"
    assert {f.id for f in verdict.findings} == {"reh-needs-sync", "reh-sync-doubles"}
    assert verdict.rehearsals[0].text.endswith("4 rows are there twice since then")


def test_without_the_option_nothing_applies():
    verdict = judge(rehearsed(rehearse=""))
    assert set(outcomes(verdict).values()) == {"not_applicable"}


def test_a_job_that_does_not_work_undisturbed_is_not_rehearsed():
    verdict = judge(rehearsed(skipped="the job has to work undisturbed first"))
    assert set(outcomes(verdict).values()) == {"not_applicable"}


def test_an_outage_alone_says_nothing_of_a_requeue():
    assert outcomes(judge(rehearsed(outage(), rehearse="outage"))) == {
        SURVIVES: "passed", KEEPS: "passed", CONTINUES: "not_applicable", LOSES: "not_applicable",
    }  # fmt: skip


def test_a_case_that_could_not_be_played_is_not_checked():
    case = requeue(not_played="the job ended before the moment of the requeue came")
    verdict = judge(rehearsed(outage(), case))
    assert outcomes(verdict)[CONTINUES] == "not_checked"
    assert verdict.verdict == "inconclusive"


def test_what_a_job_that_did_not_survive_would_have_logged_is_not_judged():
    case = outage(first={"exit_code": 1}, **lacking())
    assert outcomes(judge(rehearsed(case)))[KEEPS] == "not_applicable"
    verdict = judge(rehearsed(case, outage(**lacking())))
    assert outcomes(verdict)[KEEPS] == "failed"
