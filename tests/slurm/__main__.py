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
        sys.stdout.write(f'export SLURM_CONF={lab.at.conf}\nexport PATH="$PATH:{SBIN}"\n')
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            sys.stderr.write("ending\n")
