"""Uploads offline runs with the SDK's own `wandb sync`, as a user of a site without internet would."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.evidence.models import LocalRun

LIMIT_S = 300.0
"""Seconds that one upload may take."""
MOST_LINES = 100


@dataclass(frozen=True)
class Synced:
    """What `wandb sync` printed, and its exit code; 0 proves nothing, the server does."""

    output: tuple[str, ...]
    exit_code: int | None


def sync(runs: Sequence[LocalRun], environment: Mapping[str, str], scrub: Callable[[str], str]) -> Synced:
    """Upload every offline run; a run that cannot be uploaded in time is left, and the output says so."""
    online = {k: v for k, v in environment.items() if k != "WANDB_MODE"}
    lines: list[str] = []
    worst: int | None = 0
    for run in runs:
        command = [sys.executable, "-m", "wandb", "sync", run.path]
        try:
            done = subprocess.run(
                command, env=online, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=LIMIT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            lines.append(f"wandb sync {run.path}: no end after {LIMIT_S:.0f} s")
            worst = None
            continue
        lines += [scrub(line) for line in done.stdout.decode(errors="replace").splitlines()]
        worst = done.returncode or worst
    return Synced(tuple(lines[-MOST_LINES:]), worst)
