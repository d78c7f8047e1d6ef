"""What the whole of `pytest checks` costs beside the same torchrun job run bare against the same backend."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.loopback.server import LoopbackServer
from harness.targets.environment import builtin_args, builtin_job
from harness.targets.process import launch_argv
from lab.bench.row import Row
from tests.repository import REPOSITORY as CLONE

PAIRS = 5


def rows() -> Iterator[Row]:
    """Median of pairs, taken in turn."""
    with LoopbackServer() as server, tempfile.TemporaryDirectory() as folder:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "PYTEST", "HARNESS"))}
        env = {**clean, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.api_key}
        pairs = [(_verified(env, Path(folder)), _bare(env, Path(folder))) for _ in range(PAIRS)]
    whole, bare = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    extra = statistics.median(a - b for a, b in pairs)
    yield Row("verify the default job", f"{whole:.1f} s", f"{bare:.1f} s (the job bare)", f"+{extra:.1f} s", "≤ +3 s")
    yield Row("the default verification", f"{whole:.1f} s", "", f"{whole:.1f} s", "≤ 30 s on 2 cores")


def _verified(env: dict[str, str], folder: Path) -> float:
    command = [sys.executable, "-m", "pytest", "checks", "--server", "real", "--report", str(folder / "report"), "-q"]
    return _seconds(command, env, CLONE)


def _bare(env: dict[str, str], folder: Path) -> float:
    return _seconds(launch_argv(builtin_job(), 2, script_args=builtin_args(on_gpus=False)), env, folder)


def _seconds(command: list[str], env: dict[str, str], cwd: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=True)
    return time.perf_counter() - begun
