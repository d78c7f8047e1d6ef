"""What a job on this machine is started with: torchrun for Python, bash for a shell script."""

from pathlib import Path

import pytest

from harness.settings.model import Settings
from harness.verification.verify import local_argv

HERE = Path("/home/me")


@pytest.mark.parametrize(
    ("job", "module", "end"),
    [
        ("train.py", None, ["--nproc_per_node=3", "/home/me/train.py", "--lr", "1 2"]),
        ("pkg/mod.py", "pkg.mod", ["--nproc_per_node=3", "-m", "pkg.mod", "--lr", "1 2"]),
        ("train.sh", None, ["bash", "/home/me/train.sh", "--lr", "1 2"]),
    ],
)
def test_a_job_is_started_as_its_kind_is(job, module, end):
    settings = Settings(
        target="local", source="job", server="loopback", cwd=HERE, job=HERE / job, job_module=module,
        job_args=("--lr", "1 2"), nproc=3,
    )  # fmt: skip
    assert local_argv(settings)[-len(end) :] == end
