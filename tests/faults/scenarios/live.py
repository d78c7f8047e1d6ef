"""Scenarios of the family live: a job that is shown as running, and has broken."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from tests.faults.scenario import PRELUDE, Scenario, Stage, init_job

PROMPT = "x_file_stream_transmit_interval=1"
HANGS = init_job('id="hangs"', settings=PROMPT, train="train(run, 30, 0.1); time.sleep(900)")
DIES = init_job('id="dies"', settings=PROMPT, train="train(run, 30, 0.3); time.sleep(900)")


def broken(job: str, wait_s: float, *, killed: bool) -> Callable[[Stage], contextlib.AbstractContextManager[None]]:
    """A job of the user's own that breaks once it has logged, so long before its run is looked at."""

    @contextlib.contextmanager
    def play(stage: Stage) -> Iterator[None]:
        script = stage.root / "breaks.py"
        script.write_text(PRELUDE + job)
        with subprocess.Popen([sys.executable, str(script)], cwd=stage.work, env=stage.env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:  # fmt: skip
            try:
                wanted = time.monotonic() + 60
                while time.monotonic() < wanted and not any(len(r.history) >= 25 for r in stage.server.store.runs()):
                    time.sleep(0.2)
                if killed:
                    process.kill()
                time.sleep(wait_s)
                yield
            finally:
                process.kill()

    return play


def looked_at(run: str) -> tuple[str, ...]:
    """The options that judge the run by its path."""
    return ("--server", "real", "--run", f"loopback/scenario/{run}", "--expect-points", "1")


SCENARIOS = (
    Scenario(
        name="hangs-while-it-runs", expect="live-no-steps", hook=broken(HANGS, 80.0, killed=False),
        failed=("test_run_finished",), command=looked_at("hangs"),
    ),
    Scenario(
        name="killed-and-shown-as-running", expect="live-no-heartbeat", hook=broken(DIES, 80.0, killed=True),
        failed=("test_run_finished",), command=looked_at("dies"),
    ),
)  # fmt: skip
