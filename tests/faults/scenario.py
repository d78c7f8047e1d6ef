"""A scenario: one fault (or one healthy variant) with its job, its surroundings, and the verdict that is right."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.loopback.faults import Fault
from harness.loopback.server import LoopbackServer

PRELUDE = """\
import os, sys, time, math
OWN = [p for p in os.environ.get("SCENARIO_SDK", "").split(os.pathsep) if p]
sys.path[:0] = OWN
rank = int(os.environ.get("RANK", 0)); local_rank = int(os.environ.get("LOCAL_RANK", 0))
world = int(os.environ.get("WORLD_SIZE", 1))
CONFIG = {"learning_rate": 0.001, "architecture": "vit_b_16", "epochs": 3}
def epoch(e):
    print(f"Epoch {e + 1}, Loss: {2.0 / (e + 1)}"); print(f"Accuracy: {30.0 + 10 * e}%", flush=True)
    return {"loss": 2.0 / (e + 1), "acc": 30.0 + 10 * e}
def train(run, epochs=3, pause=0.6):
    for e in range(epochs):
        run.log(epoch(e)); time.sleep(pause)
"""
"""Stands before every job: ranks without torch. `SCENARIO_SDK` puts SDKs in front of the job's own."""


def init_job(
    arguments: str = "",
    *,
    settings: str = "",
    train: str = "train(run); run.finish()",
    before: str = "",
    guard: str = "if rank == 0:",
) -> str:
    """The body of a job that initialises a run where `guard` says so, trains, and finishes.

    `arguments` and `settings` are keyword arguments of `wandb.init()` and `wandb.Settings()`.
    """
    return (
        f"{before}\nimport wandb\n{guard}\n"
        f'    run = wandb.init(project="scenario", config=CONFIG,'
        f" settings=wandb.Settings(x_stats_sampling_interval=0.5, {settings}), {arguments})\n"
        f"    {train.strip()}\n"
    )


GOOD = init_job()


def edited(old: str, new: str) -> str:
    """An edit of the script that somebody makes by hand; both as `sed` takes them."""
    return f"sed -i {shlex.quote(f's|{old}|{new}|')} train.py"


@dataclass
class Stage:
    """Where a scenario is played: what a hook may look at and change before the user's command is run."""

    root: Path
    home: Path
    work: Path
    """The user's current directory."""
    env: dict[str, str]
    server: LoopbackServer
    """The loopback backend of this scenario, in the process of the test."""
    options: list[str] = field(default_factory=list)
    wrapper: list[str] = field(default_factory=list)
    """Words before the user's command: what opens a namespace around it."""

    @property
    def python(self) -> str:
        """The interpreter of harness and job."""
        return sys.executable

    def fill(self, text: str) -> str:
        """Put this stage's values in place of {KEY}, {URL}, {HOST}, {HOME} and {WORK}."""
        url = self.server.url
        values = {"KEY": self.server.api_key, "URL": url, "HOST": url.partition("//")[2]}
        for name, value in {**values, "HOME": str(self.home), "WORK": str(self.work)}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


Hook = Callable[[Stage], AbstractContextManager[object]]
"""Prepares the stage on entering, cleans up on leaving."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One story: what is wrong, played as a user would meet it, and what the harness should say."""

    name: str
    expect: str | None = None
    """The fault id that should be the root cause; None: healthy, must pass without error or warning."""
    kind: Literal["error", "warning", "info"] = "error"
    """`warning`: the verdict is passed and the id is among the findings; `info`: passed, and at most the id is said."""
    job: str = GOOD
    """Body of the training script; PRELUDE stands before it."""
    env: Mapping[str, str | None] = field(default_factory=dict)
    """Added to the environment; None removes. Values and file texts are filled by `Stage.fill`."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path to text; `~/…` is in HOME, others in the working folder."""
    options: tuple[str, ...] = ()
    """Further options of `pytest checks`."""
    command: tuple[str, ...] | None = None
    """Options in place of `--server real --job train.py --nproc N`, to judge what a hook has left."""
    nproc: int = 1
    misbehave: tuple[Fault, ...] = ()
    """What the loopback backend does wrong from the start; a hook may add and take away more."""
    server: Mapping[str, Any] = field(default_factory=dict)
    """Options of `LoopbackServer`: accounts, tls, prefix, crash_after_s, …"""
    failed: tuple[str, ...] = ()
    """Checks (without file) that must be among the failed ones; all failed checks must be explained anyway."""
    also: frozenset[str] = frozenset()
    """Other errors or warnings that are right beside the root cause."""
    by_hand: tuple[str, ...] = ()
    """Where the cure is a sketch: what somebody types, or does to the script, who follows it; lines of bash."""
    answer: str = "{KEY}"
    """What somebody types whom the cure asks for a value that only they know."""
    sdk: str | None = None
    """SDK version of the job, where it is not the harness's own."""
    hook: Hook | None = None
    why_not: Callable[[], str | None] | None = None
    """Says why this machine cannot play the scenario; None where it can."""
    timeout_s: float = 120.0

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self.expect is None
