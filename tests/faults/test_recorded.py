"""The recorded evidence of every scenario gets the verdict that is right: the judge, tested without a job."""

import pytest

from tests.faults.recorded import recordings, verdict
from tests.faults.right import judgement
from tests.faults.scenarios import EVERY
from tests.faults.slurm_jobs import JOBS


@pytest.mark.parametrize("name", EVERY)
def test_recorded(name):
    if name not in recordings():
        pytest.skip("not recorded: this machine could not play it")
    judged = judgement(EVERY[name], verdict(name).model_dump(mode="json"))
    assert judged.right, f"{judged.result}: {'; '.join(judged.problems)}"


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_recorded_on_the_real_slurm(job):
    told = verdict(job.name)
    causes = [f.id for f in told.findings if f.explains]
    assert causes == ([job.expect] if job.expect else [])
    assert (told.verdict == "passed") is (job.expect is None)
