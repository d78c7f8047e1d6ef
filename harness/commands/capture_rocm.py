"""`lumi-wandb capture-rocm`: a redacted sample of what the SDK's GPU collectors see on this node."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.commands.arguments import Parser
from harness.jobs.gpu_probe import probe
from harness.settings.report_folder import write_atomically

IDENTIFYING = re.compile(r"serial|unique id|uuid|guid|pid|process", re.IGNORECASE)
"""Fields of rocm-smi that name a device or a process; the rest says what kind of device it is."""


def main(argv: Sequence[str]) -> int:
    """Write the sample; 4 where it cannot be written."""
    parser = Parser(prog="lumi-wandb capture-rocm")
    parser.add_argument("file", nargs="?", type=Path, default=Path("rocm-capture.json"), metavar="FILE")
    path: Path = parser.parse_args(argv).file
    finding, answer = probe()
    sample = {"probe": {**finding, "host": "node"}, "rocm_smi": redacted(answer)}
    try:
        write_atomically(path, json.dumps(sample, indent=1) + "\n")
    except OSError as error:
        sys.stderr.write(f"{path} cannot be written: {error.strerror}; name another file.\n")
        return 4
    seen = finding["command"].get("cards", 0)
    devices = finding["library"].get("devices", 0)
    sys.stdout.write(f"{path}: rocm-smi shows {seen} GPUs, librocm_smi64 {devices}; serial numbers are left out.\n")
    return 0


def redacted(answer: dict[str, Any]) -> dict[str, Any]:
    """Replace what identifies a device, keep every key."""
    return {
        card: {k: "[redacted]" if IDENTIFYING.search(k) else v for k, v in facts.items()}
        for card, facts in answer.items()
        if isinstance(facts, dict)
    }
