"""One SDK version with a server and a home of its own, for every test that runs the unmodified SDK."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.loopback.server import LoopbackServer
from tests.compat.sdks import sdk_python

HERE = Path(__file__).parent


@dataclass
class Sdk:
    """One version with a server and a home of its own."""

    version: str
    python: Path
    server: LoopbackServer
    home: Path
    ahead_s: list[float] = field(default_factory=lambda: [0.0])

    def run(self, *command: str, **extra: str) -> subprocess.CompletedProcess[str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith("WANDB") and "proxy" not in k.lower()}
        own = {"HOME": str(self.home), "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "false"}
        return subprocess.run(
            command,
            cwd=self.home,
            env=base | own | self.server.environment() | extra,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def probe(self, script: str, *arguments: str) -> dict:
        done = self.run(str(self.python), str(HERE / script), *arguments)
        answers = [line for line in done.stdout.splitlines() if line.startswith("PROBE ")]
        assert answers, done.stdout + done.stderr
        return json.loads(answers[0].removeprefix("PROBE "))

    def wandb(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.python.with_name("wandb")), *arguments, **extra)

    def internal_logs(self) -> list[str]:
        logs = [*self.home.glob("wandb/*run-*/logs/debug-internal.log")]
        assert logs
        return [line for path in logs for line in path.read_text().splitlines()]


@pytest.fixture
def sdk(request: pytest.FixtureRequest, tmp_path: Path):
    ahead = [0.0]
    with LoopbackServer(clock=lambda: time.time() + ahead[0]) as server:
        yield Sdk(request.param, sdk_python(request.param), server, tmp_path, ahead)
        assert server.unknown_operations == []
        assert server.crashes == []
