"""Law 7: what the embedded server cannot do is not checked, in words; it fails nothing and is nobody's fault."""

import pytest

from harness.evidence.models import HttpTrouble, LogLine
from harness.judging.judge import judge
from harness.judging.verdict import Cause
from tests.judging import build as b
from tests.judging.endings import WANDB_FRAME

SENTENCE = "the embedded server has no sweeps: use --server real"
USERS = 'File "/home/me/train.py", line 12, in <module>'


def died(*errors, run=None, lines=(), **change):
    made = b.job(*lines, ending="failed", output=b.output(*lines, errors=errors))
    given = {"job": made, **({} if run else {"local": b.local(), "server": b.server()})}
    return b.healthy(**{**given, **change})


def told(evidence):
    verdict = judge(evidence)
    return verdict, {c.name.rpartition("::")[2]: c for c in verdict.checks}


def lacks(frames=(USERS,), message=f"returned error 501: {SENTENCE}", **change):
    return b.error("wandb.errors.errors.CommError", message, frames=frames, **change)


@pytest.mark.parametrize("run", [False, True], ids=["before wandb.init()", "in a run"])
def test_a_job_that_ended_for_want_of_it_is_not_checked(run):
    verdict, checks = told(died(lacks(), run=run))
    assert verdict.verdict == "inconclusive"
    assert checks["test_job_completed"].outcome == "not_checked"
    assert checks["test_job_completed"].reason == SENTENCE
    assert "failed" not in {c.outcome for c in verdict.checks}
    assert verdict.findings == ()


def test_a_run_that_failed_with_it_is_not_checked():
    failed = b.server(b.server_run(state="failed", files=("output.log",), metadata={"host": "n", "python": "3"}))
    checks = told(died(lacks(), run=True, server=failed))[1]
    assert checks["test_run_finished"].outcome == "not_checked"


def test_the_sdk_s_own_logs_may_hold_the_words():
    http = (HttpTrouble(status=501, path="/graphql", text=SENTENCE),)
    line = (LogLine(file="debug-internal.log", text=SENTENCE),)
    for logs in ({"http": http}, {"lines": line}):
        run = b.local_run()
        run = run.model_copy(update={"sdk_logs": run.sdk_logs.model_copy(update=logs)})
        by_sdk = died(lacks(frames=(WANDB_FRAME,), message="failed"), run=True, local=b.local(run))
        assert told(by_sdk)[1]["test_job_completed"].outcome == "not_checked"
        by_script = died(b.error("KeyError", "'best'", frames=(USERS,)), run=True, local=b.local(run))
        assert told(by_script)[1]["test_job_completed"].outcome == "failed"


def test_without_a_traceback_the_output_decides():
    assert told(died(lines=(f"wandb: ERROR {SENTENCE}",)))[1]["test_job_completed"].reason == SENTENCE


def test_a_crash_before_it_stays_the_script_s():
    verdict, checks = told(died(b.error("KeyError", "'best'", frames=(USERS,), line=1), lacks(line=9), run=True))
    assert checks["test_job_completed"].outcome == "failed"
    assert verdict.root_cause == "end-failed-exitcode"


def test_what_fails_for_a_cause_of_its_own_stays_failed():
    renamed = {n: b.server_series(n) for n in ("train_loss", "acc")}
    run = b.server_run(series=renamed, files=("output.log",), metadata={"host": "n", "python": "3"})
    verdict, checks = told(died(lacks(), run=True, server=b.server(run)))
    assert checks["test_series_is_present[loss]"].outcome == "failed"
    assert next(f.id for f in verdict.findings if isinstance(f, Cause)) == "metric-missing-key"
    assert "end-failed-exitcode" not in {f.id for f in verdict.findings}


def test_a_job_that_went_on_is_judged_as_ever():
    verdict, _ = told(b.healthy(job=b.job(f"wandb: WARNING {SENTENCE}")))
    assert verdict.findings == ()
