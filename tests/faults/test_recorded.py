"""The recorded evidence of every scenario gets the verdict that is right: the judge, tested without a job."""

import pytest

from harness.judging.judge import judge
from tests.faults.recorded import recordings
from tests.faults.right import judgement
from tests.faults.scenarios import EVERY
from tests.faults.slurm_jobs import JOBS


@pytest.mark.parametrize("name", EVERY)
def test_recorded(name):
    if name not in recordings():
        pytest.skip("not recorded: this machine could not play it")
    judged = judgement(EVERY[name], judge(recordings()[name]).model_dump(mode="json"))
    assert judged.right, f"{judged.result}: {'; '.join(judged.problems)}"


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_recorded_on_the_real_slurm(job):
    verdict = judge(recordings()[job.name])
    causes = [f.id for f in verdict.findings if f.explains]
    assert causes == ([job.expect] if job.expect else [])
    assert (verdict.verdict == "passed") is (job.expect is None)
