"""What came from outside, or afterwards: a signal before there was a run, a log that lost its end in a copy."""

import pytest

from harness.evidence.models import Job, ProcessSeen, Request, SdkLogs
from harness.judging.families.end_of_run import rules as end_of_run
from harness.judging.findings import diagnose
from tests.judging.build import error, evidence, hits, lines, local, local_run, log, no_run, output, server
from tests.judging.endings import killed

SENT = error("torch.distributed.elastic.multiprocessing.api.SignalException", "Process 7 got signal: 15")


@pytest.mark.parametrize(("code", "late"), [(124, True), (1, False)])
def test_a_signal_before_there_was_a_run_came_from_outside(code, late):
    ended = Job(ending="failed", exit_code=code, output=output("x", errors=(SENT,)))
    (finding,) = diagnose(no_run(job=ended), end_of_run.RULES)
    assert finding.title == "The script ended with an error: SIGTERM from outside"
    assert any("timeout" in line for line in finding.observed) is late
    assert "send SIGTERM" in finding.advice[0]


def test_a_signal_that_the_launcher_tells_of_ended_the_run():
    ended = Job(ending="failed", exit_code=124, output=output("x", errors=(SENT,)))
    assert "end-sigterm-no-flush" in hits(end_of_run.RULES, killed(None, job=ended))


def test_a_signal_after_a_rank_had_failed_is_the_aftermath():
    ended = Job(
        ending="failed", exit_code=1, output=output("x", errors=(SENT,)), processes=(ProcessSeen(exit_code=3, line=1),)
    )
    found = hits(end_of_run.RULES, no_run(job=ended))
    assert [hit.values["error"] for hit in found.values()] == ["exit code 3"]


@pytest.mark.parametrize("offline", [False, True])
def test_a_log_that_was_cut_off_after_the_run_was_closed_tells_of_no_killed_process(offline):
    run = local_run(offline=offline, sdk_logs=SdkLogs(closed=True), log=log(status="torn", has_exit=False))
    folder = Request(source="run_dir", server="none", target="none")
    assert not hits(end_of_run.RULES, evidence(request=folder, setup=None, job=None, local=local(run), server=server()))


def test_a_script_that_ends_itself_may_say_why_in_its_last_words():
    tail = lines(
        "Epoch 3, Loss: 0.7", "no such optimizer: adamx", "wandb: Find logs at: x", "failed (exitcode: 1) of x"
    )
    ended = Job(
        ending="failed", exit_code=1, output=output(tail=tail), processes=(ProcessSeen(exit_code=1, line=9, rank=0),)
    )
    (hit,) = hits(end_of_run.RULES, evidence(job=ended)).values()
    assert "It printed last: no such optimizer: adamx" in hit.observed
