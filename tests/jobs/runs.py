"""What a job left on disk and on the server, read with the SDK's own readers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.loopback.server import LoopbackServer


def inspect(folder: Path) -> dict[str, Any]:
    """Return what ``wandb leet inspect`` says about the only offline run under ``folder``/wandb."""
    (run,) = folder.glob("wandb/offline-run-*")
    wandb = str(Path(sys.executable).with_name("wandb"))
    done = subprocess.run(
        [wandb, "leet", "inspect", str(run), "--summary", "--json"], capture_output=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


def logged(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> tuple[list[dict[str, Any]], str]:
    """Return the rows and the state of the only run in the default project of ``server``."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    import wandb  # the test session pays for it only here

    (run,) = wandb.Api().runs("LUMI-visualtransformer")
    return run.history(pandas=False), run.state
