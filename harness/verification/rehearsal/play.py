"""Starts the job once within a case, waits for its end or its limit, and says how it ended and where it hung."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from harness.evidence.disk.run_dirs import read_local_runs, snapshot_run_dirs, wandb_folders
from harness.evidence.models import Attempt, Evidence, Job, JobOutput, LocalRun, Request, SlurmJob
from harness.evidence.output.reader import OutputReader
from harness.evidence.own_runs import own
from harness.evidence.redaction.documents import redact_file
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.job_settings import JobSettings
from harness.targets.process import ProcessGroup

LOOK_S = 0.1
DUMP_S = 2.0
"""Seconds that a hanging job has to say where it hangs."""
MOST_FRAMES = 12
DROPPED = r"(?i)tried to log to step \d+ that is less than the current step|steps must be monotonically increasing"
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+),? in (?P<name>\S+)')
_STACK = re.compile(r"(?:Current thread|Thread) 0x\w+.*\(most recent call first\):")
_LIBRARY = re.compile(r"/(?:site|dist)-packages/|/lib/python\d")


class Stopped(Exception):  # noqa: N818 - it is a request, not an error
    """The verification was interrupted."""


@dataclass
class Stage:
    """Where the attempts of one case are played, and what every one of them starts with."""

    argv: list[str]
    cwd: Path
    environment: Mapping[str, str]
    settings: JobSettings
    """What W&B is set to in that folder."""
    folder: Path
    """Where logs go."""
    token: str
    redactor: Redactor
    stop: threading.Event
    begun: float = field(default_factory=time.monotonic)
    _before: frozenset[str] = frozenset()

    def now(self) -> float:
        """Seconds since the case began."""
        return time.monotonic() - self.begun

    @property
    def folders(self) -> list[Path]:
        """Where the SDK puts run directories."""
        return wandb_folders(self.environment, self.cwd, self.settings.wandb_root())

    def has_run(self) -> bool:
        """Whether the start that is under way has begun a run."""
        return bool(snapshot_run_dirs(self.folders) - self._before)

    def play(
        self,
        number: int,
        limit_s: float,
        look: Callable[[ProcessGroup, float], bool],
        more: Mapping[str, str] | None = None,
    ) -> tuple[Attempt, tuple[LocalRun, ...]]:
        """Start the job and follow it to its end; return what happened and the run directories that it left.

        Args:
            number: which start it is, from 1.
            limit_s: seconds after which it is ended.
            look: called again and again while it runs; returns True where it has ended the job by itself.
            more: variables beside those of the stage.

        Raises:
            Stopped: the verification was interrupted.
        """
        folders = self.folders
        before = self._before = snapshot_run_dirs(folders)
        log = self.folder / f"job-{number}.log"
        begun, over, ended_by_us = self.now(), False, False
        with ProcessGroup(self.argv, cwd=self.cwd, env={**self.environment, **(more or {})}, log=log) as group:
            output = OutputReader(log, self.redactor.text)
            while group.poll() is None and not over and not ended_by_us:
                if self.stop.wait(LOOK_S):
                    raise Stopped
                ended_by_us = look(group, self.now() - begun)
                over = self.now() - begun > limit_s
            ended = self.now()
            if over and group.poll() is None:
                _ask_where(group)
            code = group.terminate(grace_s=0.0) if over else group.poll()
            while lines := group.new_lines():
                output.feed(lines)
        seen = output.snapshot()
        text = log.read_text(errors="replace") if over else ""
        redact_file(log, self.redactor)
        found = read_local_runs(
            folders, before=before, since=None, scrub=self.redactor.text,
            extra=[self.cwd / name for name in seen.run_dirs],
        )  # fmt: skip
        job = Job(ending="unknown", output=seen, slurm=SlurmJob(job_id=self.environment.get("SLURM_JOB_ID")))
        evidence = Evidence(request=Request(token=self.token), job=job, local=found)
        runs = own(evidence).local.runs
        attempt = Attempt(
            begun_s=begun,
            ended_s=ended,
            exit_code=code if code is not None and code >= 0 and not over else None,
            signal=signal.Signals(-code).name if code is not None and code < 0 and not over else None,
            over_limit=over,
            stuck=tuple(self.redactor.text(line) for line in stuck(text)),
            errors=seen.errors[:8],
            dropped=dropped(seen),
            **told_by(runs),
        )
        return attempt, runs


class ToldByRuns(TypedDict):
    """What the run directories of a start tell of it."""

    run_ids: tuple[str, ...]
    resumed: bool
    rows: int
    ended_in_order: bool


def told_by(runs: Sequence[LocalRun]) -> ToldByRuns:
    """Read what the run directories of a start tell of it."""
    return {
        "run_ids": tuple(run.run_id for run in runs),
        "resumed": any(run.log.run.resumed for run in runs if run.log.run),
        "rows": sum(run.log.history_rows for run in runs),
        "ended_in_order": bool(runs) and all(run.log.has_exit for run in runs),
    }


def dropped(output: JobOutput) -> str | None:
    """The SDK's word on rows that it dropped because their step had been before."""
    found = (line.text for line in (*output.wandb_lines, *output.notable) if re.search(DROPPED, line.text))
    return next(found, None)


def _ask_where(group: ProcessGroup) -> None:
    """Let each Python of the job print where it stands; PYTHONFAULTHANDLER is set."""
    group.signal_all(signal.SIGABRT, without="wandb-core")
    group.wait(DUMP_S)


def stuck(text: str) -> list[str]:
    """Return where a job hung, innermost first, from what its Python printed: the stack that passes through W&B."""
    stacks: list[list[str]] = []
    main: list[list[str]] = []
    reading = False  # a traceback has frames too
    for line in text.splitlines():
        match = _FRAME.match(line)
        if match and reading:
            stacks[-1].append(f"{match['file']}, line {match['line']} in {match['name']}")
        elif reading := _STACK.match(line) is not None:
            stacks.append([])
            main += [stacks[-1]] if line.startswith("Current") else []
    # A script's own stack ends in its own code; a thread of a library, or the launcher, does not. When the script has
    # ended, what is left of its thread is the SDK's.
    own = [stack for stack in stacks if any(not _LIBRARY.search(frame) for frame in stack)]
    of_sdk = [stack for stack in (*own, *main) if any(f"{os.sep}wandb{os.sep}" in frame for frame in stack)]
    found = next(iter([*of_sdk, *own]), [])
    users = [frame for frame in found if not _LIBRARY.search(frame)]
    # What lies right below the script's own code is what it called.
    return [*[frame for frame in found if frame not in users][-MOST_FRAMES // 2 :], *users[: MOST_FRAMES // 2]]
