"""A symptom that no rule explains: the evidence that bears on it comes first."""

from harness.diagnosis.model import CheckResult
from harness.diagnosis.unexplained import unknown
from harness.evidence.models import Job
from tests.diagnosis.build import error, evidence, http, local, output, run_with_http

CHECKS = [CheckResult(name="test_3_run.py::test_init_succeeded", outcome="failed", reason="no run is there")]


def test_error_and_answer_come_before_the_symptom() -> None:
    raised = error("wandb.errors.errors.CommError", "<no message>", frames=('File "train.py", line 3, in <module>',))
    launcher = error("torch.distributed.elastic.multiprocessing.errors.ChildFailedError", "")
    job = Job(ending="failed", exit_code=1, output=output("x", errors=(raised, launcher)))
    finding = unknown(evidence(job=job, local=local(run_with_http(http("", 400, "/graphql")))), CHECKS)
    assert finding.observed[:3] == (
        "wandb.errors.errors.CommError: <no message>",
        'File "train.py", line 3, in <module>',
        "The server answered /graphql with HTTP 400",
    )
    assert finding.observed[-1] == "test_init_succeeded: no run is there"
    assert not any("ChildFailedError" in line for line in finding.observed)


def test_without_evidence_the_symptom_is_all_there_is() -> None:
    assert unknown(None, CHECKS).observed == ("test_init_succeeded: no run is there",)
