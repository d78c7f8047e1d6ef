"""What `pytest checks` costs beside the same torchrun job run bare, what a replay of it does, and `--help`."""

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

TIMES = 10
NOT_OURS = ("WANDB", "PYTEST", "HARNESS", "PYTHONDONTWRITEBYTECODE")
"""Without compiled files, every start would compile what it imports."""


def rows() -> Iterator[Row]:
    """Medians of what is measured in turn."""
    with LoopbackServer() as server, tempfile.TemporaryDirectory() as folder:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(NOT_OURS)}
        clean["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those of the tests' environment are not ours
        env = {**clean, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.api_key}
        report = Path(folder) / "report"
        _verified(env, report)  # compiles what was not
        measured = [
            (_verified(env, report), _bare(env, Path(folder)), _replayed(env, report), _helped(env))
            for _ in range(TIMES)
        ]
    whole, bare, replay, usage = (statistics.median(m[i] for m in measured) for i in range(4))
    extra = statistics.median(m[0] - m[1] for m in measured)
    yield Row("verify the default job", f"{whole:.1f} s", f"{bare:.1f} s (the job bare)", f"+{extra:.1f} s", "≤ +1.5 s")
    yield Row("the default verification", f"{whole:.1f} s", "", f"{whole:.1f} s", "≤ 30 s on 2 cores")
    yield Row("judge it again", f"{replay:.2f} s", f"{whole:.1f} s (verified)", f"{replay / whole:.1%}", "≤ 1 s")
    yield Row("lumi-wandb --help", f"{usage:.2f} s", f"{replay:.2f} s (judged)", f"{usage / replay:.1%}", "≤ 0.3 s")


def _verified(env: dict[str, str], report: Path) -> float:
    command = [sys.executable, "-m", "pytest", "checks", "--server", "real", "--report", str(report), "-q"]
    return _seconds(command, env, CLONE)


def _replayed(env: dict[str, str], report: Path) -> float:
    saved = str(report / "evidence.json")
    return _seconds([sys.executable, "-m", "pytest", "checks", "--replay", saved, "-q"], env, CLONE)


def _helped(env: dict[str, str]) -> float:
    return _seconds([sys.executable, "-m", "harness", "--help"], env, CLONE)


def _bare(env: dict[str, str], folder: Path) -> float:
    return _seconds(launch_argv(builtin_job(), 2, script_args=builtin_args(on_gpus=False)), env, folder)


def _seconds(command: list[str], env: dict[str, str], cwd: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=True)
    return time.perf_counter() - begun
