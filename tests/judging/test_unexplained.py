"""A symptom that no rule explains: the evidence that bears on it comes first."""

import re

import pytest

from harness.evidence.models import Job, Request, RunLink
from harness.judging.case import Case
from harness.judging.unexplained import unknown
from harness.judging.verdict import CheckResult
from tests.judging.build import error, evidence, http, job, local, local_run, output, run_with_http, server
from tests.judging.endings import slurm

CHECKS = [CheckResult(name="test_3_run.py::test_init_succeeded", outcome="failed", reason="no run is there")]
SEVERAL = [CheckResult(name="test_3_run.py::test_exactly_one_run", outcome="failed", reason="2 runs")]


def test_error_and_answer_come_before_the_symptom() -> None:
    raised = error("wandb.errors.errors.CommError", "<no message>", frames=('File "train.py", line 3, in <module>',))
    launcher = error("torch.distributed.elastic.multiprocessing.errors.ChildFailedError", "")
    job = Job(ending="failed", exit_code=1, output=output("x", errors=(raised, launcher)))
    finding = unknown(Case(evidence(job=job, local=local(run_with_http(http("", 400, "/graphql"))))), CHECKS)
    assert finding.observed[:3] == (
        "wandb.errors.errors.CommError: <no message>",
        'File "train.py", line 3, in <module>',
        "The server answered /graphql with HTTP 400",
    )
    assert finding.observed[-1] == "test_init_succeeded: no run is there"
    assert not any("ChildFailedError" in line for line in finding.observed)


def test_how_the_job_ended_and_what_was_found_is_told():
    ended = job("x", ending="out_of_memory", exit_code=137)
    found = evidence(job=ended, local=local(local_run(), local_run(run_id="b")), server=server(runs_total=0))
    observed = unknown(Case(found), CHECKS).observed
    assert (
        "the job ended as out of memory, exit code 137; disk: run abcd1234, 3 rows, closed with exit code 0, and 1"
        " more; server: no run. Disk and server part." in observed
    )
    assert not any("the job ended" in line for line in unknown(Case(evidence(job=None)), CHECKS).observed)


def test_a_line_without_a_word_tells_nothing():
    observed = unknown(Case(evidence(job=job("*******", "going on"))), CHECKS).observed
    assert "going on" in observed
    assert "*******" not in observed


def test_what_holds_is_told_beside_what_does_not():
    held = [CheckResult(name=f"test_4_metrics.py::test_series_is_present[{m}]", outcome="passed") for m in ("a", "b")]
    assert unknown(Case(evidence()), CHECKS, [*CHECKS, *held]).observed[-1] == "What holds: test_series_is_present"


def test_answers_of_the_server_are_counted():
    refused = run_with_http(http("busy", 503, "/graphql", count=2), http("", 500, ""), http("no route", None))
    observed = unknown(Case(evidence(local=local(refused))), CHECKS).observed
    assert observed[:2] == (
        "The server answered /graphql with HTTP 503, 2 times: busy", "The server answered a request with HTTP 500",
    )  # fmt: skip
    assert not any("no route" in line for line in observed)


def test_of_runs_that_only_the_output_tells_of_nothing_else_is_claimed():
    links = tuple(
        RunLink(url=f"https://wandb.ai/me/vit/runs/{name}", entity="me", project="vit", run_id=name, line=line)
        for name, line in (("a", 1), ("b", 2))
    )
    alone = evidence(
        request=Request(source="job_log", server="none", target="none"), setup=None, local=local(), server=server(),
        job=Job(output=output("x", links=links)),
    )  # fmt: skip
    finding = unknown(Case(alone), SEVERAL)
    assert finding.observed[:2] == (
        "https://wandb.ai/me/vit/runs/a: what it holds is not known here.",
        "https://wandb.ai/me/vit/runs/b: what it holds is not known here.",
    )
    assert (
        finding.advice[0] == "See where runs are made; one is meant:\n  grep -nE 'wandb.init|reinit|finish' the script"
    )


def test_what_to_do_fits_the_symptom():
    assert "grep -nE 'wandb.init|reinit|finish' train.py" in unknown(Case(evidence()), SEVERAL).advice[0]
    assert "tail -n 40" in unknown(Case(evidence()), CHECKS).advice[0]


@pytest.mark.parametrize(
    ("change", "whom"),
    [
        ({"server": server()}, "W&B support; name the run's page"),
        ({"local": local(), "server": server()}, "whoever wrote the script, with the script"),
        ({"job": job(ending="failed", slurm=slurm())}, "LUMI user support; name the job's id"),
        ({"job": job(ending="failed", output=output(errors=(error("KeyError", "'x'"),)))}, "whoever wrote the script"),
    ],
)
def test_who_may_know(change, whom):
    request = Request(target="slurm", server="real")
    finding = unknown(Case(evidence(**{"request": request, **change})), CHECKS)
    assert finding.advice[-1].startswith(f"Pack what was seen, without keys, and send it to {whom}")
    assert finding.advice[-1].endswith("lumi-wandb bundle")


def test_slurm_is_asked_where_there_is_a_job_of_its():
    advice = unknown(Case(evidence(job=job(ending="failed", slurm=slurm(final_state="FAILED")))), CHECKS).advice
    assert any("sacct -j 4242 " in text for text in advice)


def test_nothing_is_advised_that_has_failed_already():
    for change in ({}, {"local": local(), "server": server()}, {"server": server()}):
        text = " ".join(unknown(Case(evidence(**change)), CHECKS).advice)
        assert not re.search(r"(start|run|try) (it )?again", text)
