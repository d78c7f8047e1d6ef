"""On the login node's system Python the answer is one sentence, not a syntax error."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.repository import REPOSITORY as CLONE

PRETEND = (
    "import sys, collections; V = collections.namedtuple('V', 'major minor micro'); sys.version_info = V(3, 6, 15); "
)


def test_what_old_python_reads_is_old_syntax():
    for name in ("conftest.py", "harness/__init__.py", "harness/jobs/sdk_probe.py"):
        ast.parse((CLONE / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_sentence_names_the_module():
    done = subprocess.run(
        [sys.executable, "-c", PRETEND + "import harness"], cwd=CLONE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "module load cray-python" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
