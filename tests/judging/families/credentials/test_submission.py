"""A key that was there when the job was submitted, and did not reach it."""

import pytest

from harness.evidence.models import SlurmJob
from harness.judging.families.credentials import rules as credentials
from tests.judging import build as b


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"WANDB_API_KEY": "[redacted]"}, "WANDB_API_KEY was set when the job was submitted."),
        ({}, "WANDB_API_KEY was not set when the job was submitted."),
        (None, ""),
    ],
)
def test_a_key_that_stays_behind_is_compared_with_the_submission(kept, words):
    said = "wandb: ERROR No API key configured. Use `wandb login` to log in."
    slurm = SlurmJob(job_id="7", submitted_with=kept, kept_out=("--export=NONE",))
    job = b.job(said, ending="failed").model_copy(update={"slurm": slurm})
    observed = b.hits(credentials.RULES, b.no_run(job=job))["auth-no-key"].observed
    assert "The job was submitted with --export=NONE: that keeps it out." in observed
    assert (words in observed) if words else not any("when the job was submitted" in text for text in observed)


@pytest.mark.parametrize(("kept", "told"), [({"WANDB_API_KEY": "[redacted]"}, True), ({}, False)])
def test_a_key_that_a_module_may_have_set(kept, told):
    slurm = SlurmJob(job_id="7", submitted_with=kept, unloaded=("module purge",))
    job = b.job("wandb: ERROR No API key configured. Use `wandb login` to log in.", ending="failed").model_copy(
        update={"slurm": slurm}
    )
    observed = b.hits(credentials.RULES, b.no_run(job=job))["auth-no-key"].observed
    assert any("module purge: where a module had set it" in text for text in observed) is told
