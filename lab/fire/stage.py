"""A verification whose job is a recording: every request that the server then sees is the harness's own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest import mock

import pytest
from typing_extensions import Self

from harness.evidence.models import Job, Telemetry
from harness.loopback.console import ConsoleLog
from harness.loopback.faults import Fault
from harness.loopback.messages import RequestRecord
from harness.loopback.rows import LineLog
from harness.loopback.runs import StoredFile
from harness.loopback.server import LoopbackServer
from harness.targets.base import log_path
from harness.targets.local import LocalTarget
from harness.targets.process import launch_argv
from tests.faults.run import REPOSITORY, clean_environment

JOB = REPOSITORY / "tests" / "jobs" / "ranks.py"
ARGS = ("--epochs", "4", "--min-seconds", "3", "--stats-interval", "0.5", "--upload-interval", "1")
KEY = "a0" * 20
ENTITY = "loopback"
PHASES = ("preflight", "polling", "collecting", "run")
"""Before the job, while it runs, after its end; and the reading of a run that is there already (`--run`)."""
JOB_S = 4.0
"""How long the played job lasts where looks at it go wrong; else it ends as soon as it was seen twice."""
READER_S = 6.0
PATIENCE_S = 3.0
"""Limits of the reader, shortened so that what hangs for ever hangs for seconds; by how much they are kept is told."""


@dataclass(frozen=True)
class Recording:
    """One real job with the real SDK: what it left on the server, on disk and in its output."""

    folder: Path
    run_id: str
    job: Job
    telemetry: Telemetry

    @property
    def output(self) -> str:
        """What it printed."""
        return (self.folder / "job.log").read_text()


def record(folder: Path) -> Recording:
    """Run the job once, for real; the folder keeps it."""
    (folder / "work").mkdir(parents=True)
    (folder / "home").mkdir()
    with LoopbackServer(api_key=KEY, store_dir=folder / "store") as server:
        own = {"HOME": str(folder / "home"), "WANDB_ERROR_REPORTING": "false"}
        env = {**clean_environment(), **server.environment(), **own}
        target = LocalTarget(
            launch_argv(JOB, 2, script_args=ARGS), cwd=folder / "work", env=env, log=folder / "job.log"
        )
        begun = time.monotonic()
        with target:
            while target.running() and time.monotonic() - begun < 90:
                time.sleep(0.1)
            job, telemetry = target.job(), target.telemetry()
    directory = next((folder / "work" / "wandb").glob("run-*"))
    return Recording(folder, directory.name.rpartition("-")[2], job, telemetry)


class Played:
    """A target that plays the recording: at its start the run is there, on the server and on disk, as if just made."""

    poll_s = 0.05

    def __init__(self, stage: Stage, folder: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self._stage, self._folder, self._cwd = stage, folder, cwd
        self._tags = environment["WANDB_TAGS"].split(",")
        self._begun = 0.0
        self._at = 0.0
        self._told = False
        self._ended_at: float | None = None

    def __enter__(self) -> Self:
        recording = self._stage.recording
        stamp = time.strftime("%Y%m%d_%H%M%S")
        into = self._cwd / "wandb" / f"run-{stamp}-{recording.run_id}"
        shutil.copytree(next((recording.folder / "work" / "wandb").glob("run-*")), into)
        log_path(self._folder).write_text(recording.output)
        for run in self._stage.runs.values():
            run.tags, run.created_at = self._tags, time.time()
        self._begun, self._at = time.monotonic(), time.time()
        self._stage.enter("polling")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing of it runs."""

    def running(self) -> bool:
        if self._ended_at is None:
            looks = [r for r in self._stage.requests("polling") if r.operation and r.status == 200]
            seen = len([r for r in looks if r.operation == looks[-1].operation]) if looks else 0
            spent = time.monotonic() - self._begun
            # Without trouble it waits to be seen, however slow the machine is.
            if spent > (JOB_S if self._stage.troubled else 60) or (seen > 1 and not self._stage.troubled):
                self._ended_at = time.time()
                self._stage.enter("collecting")
        return self._ended_at is None

    def started(self) -> bool:
        return True

    def new_lines(self) -> list[str]:
        if self._told:
            return []
        self._told = True
        return self._stage.recording.output.splitlines()

    def cancel(self, why: str) -> None:
        """There is nothing to end."""

    def cpu_seconds(self) -> float | None:
        return None

    def phase(self) -> str:
        return "running" if self._ended_at is None else "ended"

    def sdk_environment(self) -> dict[str, str]:
        return {}

    def job(self) -> Job:
        times = {"started_at": self._at, "ended_at": self._ended_at, "cwd": str(self._cwd)}
        return self._stage.recording.job.model_copy(update=times)

    def telemetry(self) -> Telemetry:
        return self._stage.recording.telemetry


@dataclass(frozen=True)
class Plan:
    """What goes wrong in one phase: the fault, or a port that is closed for so many seconds (None: to its end)."""

    phase: str
    fault: Fault | None = None
    closed_s: float | None = None


@dataclass
class Stage:
    """A server that holds the recorded run, a home and a folder; verifies again and again."""

    recording: Recording
    server: LoopbackServer
    root: Path
    phase: str = "preflight"
    plan: Plan | None = None
    hits: int = 0
    starts: dict[str, float] = field(default_factory=dict)
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def troubled(self) -> bool:
        """Whether something goes wrong in the phase that is on."""
        return self.plan is not None and self.plan.phase == self.phase

    @property
    def stored(self) -> Any:
        """The recorded run in the server's store."""
        return self.runs[self.recording.run_id]

    @property
    def runs(self) -> dict[str, Any]:
        """Every run in the store by its id."""
        return {name: run for p in self.server.store.projects() for name, run in p.runs.items()}

    def enter(self, phase: str) -> None:
        """Begin a phase: faults of another one end, those of this one begin."""
        self.phase = phase
        self.starts[phase] = time.time()
        self.hits += self.server.faults.hits()
        self.server.faults.clear()
        self._closing.close()
        if self.plan is None or not self.troubled:
            return
        if self.plan.fault:
            self.server.faults.add(self.plan.fault)
        else:
            self.hits += 1
            self._closing.enter_context(self.server.refusing())
            if self.plan.closed_s is not None:
                threading.Timer(self.plan.closed_s, self._closing.close).start()

    def requests(self, phase: str) -> list[RequestRecord]:
        """What the server was asked in a phase."""
        later = [at for name, at in self.starts.items() if at > self.starts.get(phase, 0.0)]
        start, end = self.starts.get(phase), min(later, default=float("inf"))
        return [r for r in self.server.requests if start is not None and start <= r.at < end]


def spoil(stage: Stage) -> None:
    """Make the run ill in every way that the server can tell: nothing that is asked of it is right."""
    run = stage.stored
    store, entity, project = stage.server.store, run.entity, run.project
    store.seed_run(entity, project, "twin0000", display_name="Example run", config={}, state="finished")
    with store.lock:
        run.recorded_state, run.exit_code = "crashed", 1
        run.raw_config, run.sent_summary, run.system_metrics, run.stored_files = {}, {}, {}, {}
        run.rows, run.event_rows, run.console_log = LineLog(), LineLog(), ConsoleLog()
        run.rows.write(0, ['{"_step": 0, "_timestamp": 1.0, "loss": "NaN"}'])


@contextlib.contextmanager
def staged(recording: Recording, root: Path) -> Iterator[Stage]:
    """Serve a copy of what was recorded, in a folder of its own."""
    for name in ("home", "work"):
        (root / name).mkdir(parents=True)
    shutil.copytree(recording.folder / "store", root / "store")
    with LoopbackServer(api_key=KEY, store_dir=root / "store") as server:
        yield Stage(recording, server, root)


@dataclass(frozen=True)
class Told:
    """What a verification said, and how long each phase took."""

    verdict: Mapping[str, Any] | None
    output: str
    exit_code: int
    seconds: float
    traffic: Mapping[str, tuple[RequestRecord, ...]]
    hits: int

    def checks(self, outcome: str) -> dict[str, str]:
        """Checks that came out so, with the reason."""
        found = self.verdict["checks"] if self.verdict else ()
        return {c["name"].rpartition("::")[2]: c["reason"] for c in found if c["outcome"] == outcome}


def verify(stage: Stage, way: str, plan: Plan | None = None) -> Told:
    """Run `pytest checks` in this process: `way` is `job` (played) or `run`."""
    report = stage.root / "report"
    shutil.rmtree(report, ignore_errors=True)
    stage.server.forget_requests()
    stage.starts.clear()
    stage.hits = 0
    stage.plan = plan
    stage.enter("run" if way == "run" else "preflight")
    run = stage.stored
    _date(stage, old=way == "run")
    chosen = ["--run", f"{run.entity}/{run.project}/{run.name}"] if way == "run" else ["--server", "real"]
    fixed = ["-c", str(REPOSITORY / "pyproject.toml"), "--rootdir", str(REPOSITORY), "-p", "no:cacheprovider", "-s"]
    environment = {
        **clean_environment(), **stage.server.environment(), "HOME": str(stage.root / "home"), "COLUMNS": "400",
        "WANDB_ERROR_REPORTING": "false",
    }  # fmt: skip
    output = io.StringIO()
    begun = time.monotonic()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch(
            "harness.verification.verify.make_target",
            lambda _, folder, env, cwd: Played(stage, folder, env, _made(cwd)),
        ),
        mock.patch.dict("harness.verification.live_job.POLL_S", {"real": 0.2}),
        mock.patch.dict("harness.verification.live_job.PATIENCE_S", {"real": PATIENCE_S}),
        mock.patch("harness.evidence.server.reader.ANSWER_S", READER_S),
        standing_in(stage.root / "work"),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main([str(REPOSITORY / "checks"), *fixed, *chosen, "--report", str(report)])
    written = report / "verdict.json"
    seconds = time.monotonic() - begun
    traffic = {phase: tuple(stage.requests(phase)) for phase in stage.starts}
    stage.plan = None
    stage.enter("over")
    verdict = json.loads(written.read_text()) if written.exists() else None
    return Told(verdict, output.getvalue(), int(code), seconds, traffic, stage.hits)


def _date(stage: Stage, *, old: bool) -> None:
    """Keep the run's environment where old SDKs write it, in a file, or in the config as new ones do."""
    run = stage.stored
    internal = run.raw_config.get("_wandb", {}).get("value", {})
    name = "wandb-metadata.json"
    if old and (writers := internal.pop("e", None)):
        blob = stage.server.store.blobs.of(json.dumps(next(iter(writers.values()))).encode())
        run.stored_files[name] = StoredFile(name, blob, time.time())
    elif not old and (file := run.stored_files.pop(name, None)):
        internal["e"] = {"w": json.loads(file.content)}


@contextlib.contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Make that folder the current one."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def name_of(request: RequestRecord) -> str:
    """What a request is called: its GraphQL operation, else method and path without what differs from run to run."""
    if request.operation:
        return request.operation
    path = re.sub(r"[A-Za-z0-9_-]{20,}|\b[a-z0-9]{8}\b", "*", request.path)
    return f"{request.method} {path}"
