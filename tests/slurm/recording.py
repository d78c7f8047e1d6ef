"""Records the evidence of jobs on the real Slurm, so that it can be judged without one.

python -m tests.slurm.recording [-k EXPRESSION]
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

from tests.faults import recorded
from tests.faults.slurm_jobs import JOBS
from tests.repository import REPOSITORY

FOLDER = "SLURM_EVIDENCE"
"""The environment variable that names the folder where the tests leave their evidence."""
PLAYED = (
    "test_job_faults.py", "test_submission.py", "test_verification.py", "test_busy_cluster.py", "test_other_words.py",
    "test_attempts.py",
)  # fmt: skip


def keep(user: Path, folder: Path, test: str) -> None:
    """Keep the evidence of a test's first verification under the name of its job."""
    job = next((job for job in JOBS if fnmatchcase(test, job.test)), None)
    evidence = user / "report/evidence.json"
    if job and evidence.exists():
        shutil.copy(evidence, folder / f"{job.name}.json")


def _impersonal(text: str) -> str:
    return re.sub(r"/tmp/slurm-lab-\w{8}(/user-\w{8})?", "/tmp/user", recorded.impersonal(text))


def main() -> int:
    """Play the tests and keep what they left; those that did not pass are kept too, and told by pytest."""
    with tempfile.TemporaryDirectory() as folder:
        tests = [str(REPOSITORY / "tests/slurm" / name) for name in PLAYED]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *sys.argv[1:]]
        code = subprocess.run(command, env={**os.environ, FOLDER: folder}, cwd=REPOSITORY, check=False).returncode
        found = {path.stem: json.loads(_impersonal(path.read_text())) for path in sorted(Path(folder).glob("*.json"))}
    recorded.write("slurm", found, [job.name for job in JOBS])
    return code


if __name__ == "__main__":
    sys.exit(main())
