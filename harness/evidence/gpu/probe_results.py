"""Collects what `harness/jobs/gpu_probe.py` found on each node of a job."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from harness.evidence.models import NodeTelemetry, Telemetry, Trouble
from harness.evidence.redaction.redactor import cut

LIMIT_S = 60.0
LONGEST = 1 << 20


def probe_script() -> Path:
    """The probe, a standalone script."""
    return Path(str(files("harness.jobs") / "gpu_probe.py"))


def probe_here(environment: Mapping[str, str], python: str = sys.executable) -> Telemetry:
    """Probe this machine as the job would see it; a probe that fails is told as trouble."""
    try:
        done = subprocess.run(
            [python, str(probe_script())], env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Telemetry(troubles=(Trouble(kind="other", text=cut(str(error), 300), where="gpu probe"),))
    return parse(done.stdout.decode(errors="replace").splitlines(), "gpu probe")


def read_probes(paths: Sequence[Path]) -> Telemetry:
    """Read what the probes of a Slurm job wrote: a file for each node, or one for all."""
    nodes: list[NodeTelemetry] = []
    troubles: list[Trouble] = []
    for path in paths:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                found = parse(file.read(LONGEST).splitlines(), str(path))
        except OSError as error:
            troubles.append(Trouble.of_file(error, path))
            continue
        nodes += found.nodes
        troubles += found.troubles
    return Telemetry(nodes=tuple(nodes), troubles=tuple(troubles))


def parse(lines: Sequence[str], where: str) -> Telemetry:
    """Read one JSON object for each line that begins with a brace; other lines are somebody else's words."""
    nodes: list[NodeTelemetry] = []
    troubles: list[Trouble] = []
    for line in lines:
        if not line.startswith("{"):
            continue
        try:
            nodes.append(NodeTelemetry.model_validate(json.loads(line)))
        except (ValueError, ValidationError) as error:
            troubles.append(Trouble(kind="protocol", text=cut(str(error).splitlines()[0], 300), where=where))
    if not nodes and not troubles:
        troubles.append(Trouble(kind="missing", text="the probe said nothing", where=where))
    return Telemetry(nodes=tuple(nodes), troubles=tuple(troubles))
