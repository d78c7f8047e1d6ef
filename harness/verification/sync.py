"""Uploads offline runs with the SDK's own `wandb sync`, as a user of a site without internet would."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.models import LocalRun

LIMIT_S = 300.0
"""Seconds that one upload may take."""
MOST_LINES = 100
HOPELESS = "was previously created and deleted"
"""The server's refusal that newer SDKs answer by trying again for ever; only `debug-sync…log` tells (seen in 0.31)."""
_LOG_TAIL = 1 << 16


@dataclass(frozen=True)
class Synced:
    """What `wandb sync` printed, and its exit code; 0 proves nothing, the server does."""

    output: tuple[str, ...]
    exit_code: int | None


def sync(
    runs: Sequence[LocalRun], environment: Mapping[str, str], scrub: Callable[[str], str], limit_s: float = LIMIT_S
) -> Synced:
    """Upload every offline run; a run that cannot be uploaded in time is left, and the output says so."""
    online = {k: v for k, v in environment.items() if k != "WANDB_MODE"}
    lines: list[str] = []
    worst: int | None = 0
    for run in runs:
        printed, code = _upload(run, online, limit_s)
        lines += [scrub(line) for line in printed]
        worst = None if code is None or worst is None else code or worst
    return Synced(tuple(lines[-MOST_LINES:]), worst)


def command(run: LocalRun) -> list[str]:
    """The words behind `wandb` that upload a run directory; one that was online is skipped unless asked for."""
    return ["sync", *([] if run.offline else ["--include-online"]), run.path]


def _upload(run: LocalRun, environment: Mapping[str, str], limit_s: float) -> tuple[list[str], int | None]:
    """Return what one upload printed and its exit code; None where it was ended before its time."""
    run_dir = Path(run.path)
    begun, end, ended = time.time(), time.monotonic() + limit_s, ""
    with tempfile.TemporaryFile() as printed:
        with subprocess.Popen(
            [sys.executable, "-m", "wandb", *command(run)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                while process.poll() is None and not ended:
                    if (refusal := _refusal(run_dir.parent / "logs", begun)) or time.monotonic() > end:
                        ended = refusal or f"wandb sync {run_dir}: no end after {limit_s:.0f} s"
                    else:
                        time.sleep(0.2)
            finally:
                # wandb-core watches its parent and ends with it.
                process.kill()
        printed.seek(0)
        lines = printed.read().decode(errors="replace").splitlines()
    return ([*lines, ended], None) if ended else (lines, process.returncode)


def _refusal(folder: Path, since: float) -> str | None:
    """Return the line of the upload's own log that says that trying again is in vain."""
    for path in folder.glob("debug-sync*.log"):
        try:
            if path.stat().st_mtime < since:
                continue
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_TAIL))
                text = file.read().decode(errors="replace")
        except OSError:  # it is being made, or made away with
            continue
        if refusals := [line for line in text.splitlines() if HOPELESS in line]:
            return refusals[-1]
    return None
