"""What a job left on disk, read with the SDK's own reader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def inspect(folder: Path) -> dict[str, Any]:
    """Return what ``wandb leet inspect`` says about the only offline run under ``folder``/wandb."""
    (run,) = folder.glob("wandb/offline-run-*")
    wandb = str(Path(sys.executable).with_name("wandb"))
    done = subprocess.run(
        [wandb, "leet", "inspect", str(run), "--summary", "--json"], capture_output=True, check=True, timeout=30
    )
    return json.loads(done.stdout)
