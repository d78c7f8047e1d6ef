"""What the server keeps of a sweep: its configuration, its agents, and the runs that it handed out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.loopback.runs import storage_id

OPEN = ("PENDING", "RUNNING", "PAUSED")


@dataclass(eq=False)
class Agent:
    """One process that asks what to run; `runs` are the ids that it was given."""

    name: str
    sweep: StoredSweep
    host: str
    created_at: float
    heartbeat_at: float
    runs: list[str] = field(default_factory=list)
    told_to_exit: bool = False

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("Agent", self.name)

    @property
    def state(self) -> str:
        """Whether it still asks."""
        return "FINISHED" if self.told_to_exit else "RUNNING"


@dataclass(eq=False)
class StoredSweep:
    """One sweep; `name` is the id that users see in URLs, `config` what was sent, as YAML.

    `handed_out` has the parameters of each run, `resumed_after` the last sign of life of each preempted run that was
    handed out again.
    """

    entity: str
    project: str
    name: str
    created_at: float
    username: str = ""
    display_name: str | None = None
    description: str | None = None
    config: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: str = "PENDING"
    updated_at: float | None = None
    controller: str | None = None
    scheduler: str | None = None
    prior_runs: str | None = None
    agents: list[Agent] = field(default_factory=list)
    handed_out: dict[str, Any] = field(default_factory=dict)
    resumed_after: dict[str, float] = field(default_factory=dict)
    grid: Iterator[dict[str, Any]] | None = None
    source: random.Random = field(default_factory=random.Random)

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("Sweep", self.name, self.project, self.entity)

    @property
    def method(self) -> str:
        """How it searches, as the user named it."""
        return str(self.settings.get("method", "custom"))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What it varies."""
        return self.settings.get("parameters") or {}

    @property
    def run_cap(self) -> int | None:
        """How many runs it starts at most."""
        cap = self.settings.get("run_cap")
        return cap if isinstance(cap, int) else None

    @property
    def heartbeat_at(self) -> float | None:
        """When an agent last asked."""
        return max((agent.heartbeat_at for agent in self.agents), default=None)
