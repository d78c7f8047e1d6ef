"""The reader of the server, with the key that fits the job, and what the server's clock says."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType

from typing_extensions import Self

from harness.evidence.models import ServerReading, Setup
from harness.evidence.network.probe import clock_ahead
from harness.evidence.server.reader import Reader
from harness.evidence.setup.credentials import api_key_in_use
from harness.evidence.setup.job_settings import JobSettings
from harness.judging.live.of_evidence import RUNNING
from harness.settings.model import Settings
from harness.targets.base import Target


class JobReader:
    """Gives the reader to ask with; use as a context manager.

    A job may bring its own key or server (a file that its script reads, a login, a variable that it sets). The reader
    begins with what is here, and follows the job where the server here knows no owner of the key here.
    """

    def __init__(self, settings: Settings, here: JobSettings, setup: Setup, target: Target) -> None:
        self._settings = settings
        self._here = here
        self._known = setup.network.viewer is not None
        self._target = target
        self._stack = ExitStack()
        self._turn = threading.Lock()
        self._own = self._used = self._way(here)
        self._reader = self.own = Reader(*self._own, here.env)
        """The reader with the server and the key of here."""

    def __enter__(self) -> Self:
        self._stack.enter_context(self._reader)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def get(self) -> Reader:
        """Return the reader, anew where the job was seen to use another server, or a key that is not known here."""
        with self._turn:
            way = self._as_the_job()
            if way != self._used:
                self._used = way
                self._reader = self._stack.enter_context(Reader(*way, self._here.env))
            return self._reader

    def _as_the_job(self) -> tuple[str, str]:
        """Server and key to read with: those of here where they are good for the job's server, else the job's."""
        theirs = {**self._here.env, **self._target.sdk_environment()}
        # A login leaves a key in netrc, behind one in the environment.
        without = {name: value for name, value in theirs.items() if name != "WANDB_API_KEY"}
        ways = [self._way(self._here.in_environment(env)) for env in (theirs, without)]
        others = [way for way in ways if way[1] and way != self._own]
        moved = [way for way in others if way[0] != self._own[0]]
        return next(iter(moved if self._known else others), self._own)

    def _way(self, known: JobSettings) -> tuple[str, str]:
        return self._settings.run_server or known.base_url()[0], api_key_in_use(known) or ""


def by_its_clock(reading: ServerReading, base_url: str, env: Mapping[str, str]) -> ServerReading:
    """Where a run still runs its signs have an age: note how far the clock here is ahead of the server's."""
    if not any(run.state in RUNNING for run in reading.runs):
        return reading
    return reading.model_copy(update={"clock_ahead_s": clock_ahead(base_url, env)})
