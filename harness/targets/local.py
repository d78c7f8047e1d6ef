"""The local target: a command on this machine, in the user's environment."""

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from harness.evidence.gpu.probe_results import probe_here
from harness.evidence.models import Job, Telemetry
from harness.evidence.models.job import Ending
from harness.targets.process import ProcessGroup

LOOK_S = 0.5
"""Seconds between two looks for the SDK's own process; it lives as long as the run."""


class LocalTarget:
    """Runs a job's command: torchrun with a script or module, as the guide does on one node, or a shell script."""

    poll_s = 0.1

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> None:
        self.argv = list(argv)
        self._cwd = cwd
        self._group = ProcessGroup(self.argv, cwd=cwd, env=env, log=log)
        self._started_at: float | None = None
        self._begun = 0.0
        self._ended_at: float | None = None
        self._why: str | None = None
        self._env = env
        self._telemetry: Future[Telemetry] = Future()
        self._sdk_env: dict[str, str] = {}
        self._looked_at = 0.0

    def __enter__(self) -> Self:
        self._started_at, self._begun = time.time(), time.monotonic()
        self._group.__enter__()
        threading.Thread(target=self._probe, name="gpu probe", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._group.__exit__(kind, error, trace)

    def _probe(self) -> None:
        self._telemetry.set_result(probe_here(self._env))

    def telemetry(self) -> Telemetry:
        """This machine's answer, asked while the job runs."""
        return self._telemetry.result()

    def running(self) -> bool:
        """Look whether torchrun still runs."""
        if self._group.poll() is not None and self._ended_at is None:
            self._ended_at = (self._started_at or 0.0) + time.monotonic() - self._begun
        if not self._sdk_env and time.monotonic() - self._looked_at > LOOK_S:
            self._looked_at = time.monotonic()
            found = self._group.environment_of("wandb-core")
            self._sdk_env = {name: value for name, value in found.items() if name.startswith("WANDB_")}
        return self._ended_at is None

    def started(self) -> bool:
        """A local job starts at once."""
        return self._started_at is not None

    def new_lines(self) -> list[str]:
        """Output since the last call, a mebibyte at most."""
        return self._group.new_lines()

    def cancel(self, why: str) -> None:
        """End the job with all its processes."""
        self._why = why
        self._group.terminate()
        self.running()

    def cpu_seconds(self) -> float | None:
        """CPU time of torchrun and all below it."""
        return self._group.cpu_seconds()

    def sdk_environment(self) -> Mapping[str, str]:
        """What wandb-core was started with: the script's own changes to its environment are in it."""
        return self._sdk_env

    def phase(self) -> str:
        """Say whether it runs."""
        return "running" if self._ended_at is None else "ended"

    def job(self) -> Job:
        """Facts from the process table."""
        code = self._group.poll()
        return Job(
            ending=self._ending(code),
            argv=tuple(self.argv),
            cwd=str(self._cwd),
            started_at=self._started_at,
            ended_at=self._ended_at,
            exit_code=code if code is not None and code >= 0 else None,
            signal=signal.Signals(-code).name if code is not None and code < 0 else None,
            stopped_by_harness=self._why,
        )

    def _ending(self, code: int | None) -> Ending:
        if self._why:
            return "interrupted"
        if code is None:
            return "running" if self._started_at else "not_submitted"
        return "completed" if code == 0 else "failed"
