"""Serves a laboratory Slurm until interrupted: `python -m tests.slurm` prints what a user of it has to export."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
from pathlib import Path

from harness.loopback.server import LoopbackServer
from tests.evidence.gpu.standins import Node, install
from tests.slurm.configuration import ACCOUNT
from tests.slurm.laboratory import Laboratory, missing
from tests.slurm.playing import Player

SHOWN = ("SLURM_CONF", "HOME", "USER", "PATH", "TMPDIR", "WANDB_BASE_URL", "WANDB_API_KEY", "WANDB_ERROR_REPORTING")


def serve(folder: Path) -> None:
    """Bring everything up, print the exports, wait for ^C."""
    with Laboratory(folder) as lab, LoopbackServer() as server:
        gpus = Path(install(Node(), lab.root / "amd", "")["LD_LIBRARY_PATH"])
        player = Player(lab, server, folder / "user", gpus=gpus)
        env = player.settle()
        lines = [f"export {name}={shlex.quote(env[name])}" for name in SHOWN]
        lines += [
            f"export HARNESS_LUMI_SITE={player.root / 'site.yaml'} HARNESS_LUMI_ACCOUNT={ACCOUNT} HARNESS_LUMI_GPUS=2",
            f"cd {player.work}",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="slurm-lab-") as root:
        try:
            serve(Path(root))
        except KeyboardInterrupt:
            sys.stderr.write("ending\n")
