"""Commands of the batch script that could not be started, and jobs that ended otherwise."""

import pytest

from harness.evidence.models import Request, SlurmJob
from harness.judging.families.job.start import not_started
from tests.judging import build as b


def ended(*texts: str, code: int, ending: str = "failed", kept_out: tuple[str, ...] = ()):
    job = b.job(*texts, ending=ending).model_copy(
        update={"exit_code": code, "slurm": SlurmJob(job_id="7", kept_out=kept_out)}
    )
    return b.evidence(job=job, local=b.local(), server=b.server())


@pytest.mark.parametrize(
    ("text", "code", "command", "why"),
    [
        ("slurmstepd-nid1: error: execve(): python: No such file or directory", 2, "python", "it is not there"),
        ("slurmstepd-nid1: error: execve(): /w/./go: Permission denied", 13, "/w/./go", "not executable"),
        (
            "slurmstepd-nid1: error: execve(): bad interpreter(/nope): No such file or directory",
            2,
            "/nope",
            "interpreter",
        ),
        ("slurmstepd-nid1: error: execve(): /w/go: Exec format error", 8, "/w/go", "this processor"),
        ("/spool/slurm_script: line 2: torchrun: command not found", 127, "torchrun", "it is not there"),
        ("/usr/bin/bash: line 1: ./y: Permission denied", 126, "./y", "not executable"),
        ("/work/train.slurm: line 3: torchrun: command not found", 127, "torchrun", "it is not there"),
        ("run: line 2: ./go: cannot execute: required file not found", 127, "./go", "interpreter"),
    ],
)
def test_the_cause_is_named(text, code, command, why):
    (hit,) = not_started(ended(text, code=code, kept_out=("--export=NONE",)))
    assert hit.values["command"] == command
    assert why in hit.values["why"]
    assert "The job was submitted with --export=NONE." in hit.observed


@pytest.mark.parametrize(
    "evidence",
    [
        ended("slurm_script: line 2: module: command not found", code=0, ending="completed"),
        ended("slurm_script: line 2: module: command not found", code=1),
        ended("all is well", code=127),
    ],
)
def test_what_did_not_end_the_job_is_no_cause(evidence):
    assert list(not_started(evidence)) == []


@pytest.mark.parametrize(
    ("texts", "command"),
    [
        (("job.sh: line 3: torchrun: command not found",), "torchrun"),
        (("job.sh: line 2: module: command not found", "job.sh: line 3: ./go: Permission denied"), "./go"),
        (("job.sh: line 2: module: command not found", "job.sh: line 2: rocm-smi: command not found"), None),
    ],
)
def test_a_batch_script_that_went_on_to_nothing_is_explained_by_what_it_could_not_start(texts, command):
    job = b.job(*texts, "finished").model_copy(update={"exit_code": 0})
    found = b.evidence(request=Request(job_kind="batch"), job=job, local=b.local(), server=b.server())
    hits = list(not_started(found))
    assert [hit.values["command"] for hit in hits] == ([command] if command else [])
    assert all(hit.fails == ("test_init_succeeded",) for hit in hits)
