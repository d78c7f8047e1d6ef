"""Every edit that a rehearsal advises is made, as the patch that is printed, and the same rehearsal passes then."""

import subprocess

import pytest

from tests.verification.rehearsal import scripts

pytestmark = [pytest.mark.slow, pytest.mark.thorough]


@pytest.mark.parametrize(
    ("script", "rehearse", "plan"),
    [
        ("BLOCKS", "outage", "start refuse"),
        ("WITHOUT_RUN", "outage", "start refuse"),
        ("FINISH_BLOCKS", "outage", "end refuse"),
        ("WAITS", "outage", "end silence"),
        ("NO_ID", "requeue", "sigterm"),
        ("CONFIG", "requeue", "sigterm"),
        ("DEAF", "requeue", "sigterm"),
        ("STEP_AGAIN", "requeue", "sigterm"),
        ("IMPATIENT", "outage", "end refuse"),
    ],
)
def test_with_the_cure_the_rehearsal_passes(played, tmp_path, script, rehearse, plan):
    broken = played(getattr(scripts, script), rehearse, plan, nproc="1")
    (cause,) = [f for f in broken.findings if f.id == broken.root_cause]
    done = subprocess.run(
        ["patch", "-p1"], cwd=tmp_path, input=cause.cure.patch, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    (tmp_path / "checkpoint.json").unlink(missing_ok=True)  # of the undisturbed job
    mended = played((tmp_path / "train.py").read_text(), rehearse, plan, nproc="1")
    assert [(one.case, one.text) for one in mended.rehearsals if one.outcome != "passed"] == []
    assert mended.verdict == "passed"
