"""The recorded evidence of every scenario gets the verdict that is right: the judge, tested without a job."""

import pytest

from harness.judging.judge import judge
from tests.faults.recorded import recordings
from tests.faults.right import judgement
from tests.faults.scenarios import EVERY


@pytest.mark.parametrize("name", EVERY)
def test_recorded(name):
    if name not in recordings():
        pytest.skip("not recorded: this machine could not play it")
    judged = judgement(EVERY[name], judge(recordings()[name]).model_dump(mode="json"))
    assert judged.right, f"{judged.result}: {'; '.join(judged.problems)}"
