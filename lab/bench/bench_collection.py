"""What `pytest checks --collect-only` costs beside a bare collection of as many empty tests."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lab.bench.row import Row
from tests.repository import REPOSITORY as CLONE

PAIRS = 15


def rows() -> Iterator[Row]:
    """Median of pairs, taken in turn."""
    with tempfile.TemporaryDirectory() as folder:
        count = len(_collect(CLONE, "checks").stdout.splitlines()) - 2
        (Path(folder) / "pytest.ini").touch()
        (Path(folder) / "test_empty.py").write_text("".join(f"def test_{i}():\n    pass\n" for i in range(count)))
        pairs = [(_seconds(CLONE, "checks"), _seconds(Path(folder), "test_empty.py")) for _ in range(PAIRS)]
    ours, bare = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    yield Row("collect the checks", f"{ours:.2f} s", f"{bare:.2f} s ({count} empty tests)", f"{ratio:.2f} x", "≤ 1.2 x")


def _seconds(folder: Path, what: str) -> float:
    begun = time.perf_counter()
    _collect(folder, what)
    return time.perf_counter() - begun


def _collect(folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", what, "--collect-only", "-q"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
