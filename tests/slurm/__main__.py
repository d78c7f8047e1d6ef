"""Serves the laboratory Slurm until interrupted, for trying things by hand: `python -m tests.slurm`."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.slurm.laboratory import SBIN, Laboratory, missing

if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="slurm-lab-") as folder, Laboratory(Path(folder)) as lab:
        print(f'export SLURM_CONF={lab.at.conf}\nexport PATH="$PATH:{SBIN}"', flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("ending", file=sys.stderr)
