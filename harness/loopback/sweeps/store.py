"""Every sweep of the server: made, changed, and asked by agents what to do next."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from harness.loopback.errors import ApiError, bad_request
from harness.loopback.jsontext import loads_object
from harness.loopback.store import Store
from harness.loopback.sweeps import configuration, search
from harness.loopback.sweeps.models import OPEN, Agent, StoredSweep

STATES = ("PENDING", "RUNNING", "PAUSED", "FINISHED", "STOPPED", "CANCELED")
ENDED = ("finished", "failed", "crashed", "killed")
ALPHABET = string.ascii_lowercase + string.digits


def _name() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


class Sweeps:
    """Every sweep; each method is safe to call from any thread. It lives as long as the server does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lock = store.lock
        self._sweeps: dict[tuple[str, str, str], StoredSweep] = {}
        self._agents: dict[str, Agent] = {}

    # --- reading ---

    def of(self, entity: str, project: str) -> list[StoredSweep]:
        """The sweeps of a project, oldest first."""
        with self.lock:
            return [s for s in self._sweeps.values() if (s.entity, s.project) == (entity, project)]

    def sweep(self, entity: str, project: str, name: str) -> StoredSweep | None:
        """One sweep by its id in the URL."""
        with self.lock:
            return self._sweeps.get((entity, project, name))

    def by_id(self, identifier: str) -> StoredSweep | None:
        """One sweep by its opaque id, or by its name where that is unique."""
        with self.lock:
            return next((s for s in self._sweeps.values() if identifier in (s.id, s.name)), None)

    def agent(self, identifier: str) -> Agent | None:
        """One agent by its opaque id."""
        with self.lock:
            return self._agents.get(identifier)

    def expected_runs(self, sweep: StoredSweep) -> int | None:
        """How many runs it will have in the end, None where nobody can tell."""
        count = search.combination_count(sweep.parameters) if sweep.method == "grid" else None
        return min((n for n in (count, sweep.run_cap) if n is not None), default=None)

    # --- changing ---

    def upsert(
        self, sweep: StoredSweep | None, entity: str, project: str, fields: Mapping[str, Any], username: str
    ) -> StoredSweep:
        """Makes or changes a sweep; `fields` are those of `UpsertSweepInput`.

        Raises:
            ApiError: the configuration cannot be read, or the state is none (400).
        """
        config, state = fields.get("config"), fields.get("state")
        settings = configuration.read(config) if config else None
        for key in ("controller", "scheduler"):
            configuration.check_plan(key, fields.get(key))
        if state is not None and state not in STATES:
            raise bad_request(f"unknown sweep state {state!r}")
        with self.lock:
            if sweep is None:
                self._store.ensure_project(entity, project, username)
                sweep = StoredSweep(entity, project, _name(), self._store.clock(), username)
                self._sweeps[(entity, project, sweep.name)] = sweep
            else:
                sweep.updated_at = self._store.clock()
            if settings is not None and config is not None:
                sweep.config, sweep.settings, sweep.grid = config, settings, None
                sweep.display_name = settings.get("name") or sweep.display_name
            sweep.display_name = fields.get("displayName") or sweep.display_name
            sweep.state = state or sweep.state
            for name, key in (("description", "description"), ("controller", "controller"), ("scheduler", "scheduler")):
                if fields.get(key) is not None:
                    setattr(sweep, name, fields[key])
            sweep.prior_runs = fields.get("priorRunsFilters") or sweep.prior_runs
            return sweep

    def new_agent(self, sweep: StoredSweep, host: str) -> Agent:
        """An agent that will ask what to do."""
        with self.lock:
            at = self._store.clock()
            made = Agent(_name(), sweep, host, at, at)
            sweep.agents.append(made)
            self._agents[made.id] = made
            return made

    def heartbeat(self, agent: Agent, run_states: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What an agent is to do now; `run_states` says of each of its runs whether it still runs."""
        with self.lock:
            sweep = agent.sweep
            agent.heartbeat_at = self._store.clock()
            running = [run for run, alive in run_states.items() if alive]
            stopped = [run for run in running if self._to_stop(sweep, run)]
            if stopped:
                return [{"type": "stop", "run_id": run} for run in stopped]
            if sweep.state not in OPEN:
                return [] if running and sweep.state != "CANCELED" else self._exit(agent)
            if sweep.state == "PAUSED" or running:
                return []
            return self._next(agent, sweep)

    def _to_stop(self, sweep: StoredSweep, run_id: str) -> bool:
        run = self._store.run(sweep.entity, sweep.project, run_id)
        return sweep.state == "CANCELED" or (run is not None and run.stop_requested)

    def _next(self, agent: Agent, sweep: StoredSweep) -> list[dict[str, Any]]:
        preempted = self._preempted(sweep)
        if preempted is not None:
            agent.runs += [preempted] if preempted not in agent.runs else []
            return [self._command("resume", preempted, sweep)]
        chosen = self._scheduled(sweep) if _has_own_controller(sweep) else self._chosen(sweep)
        if chosen is None:
            if _has_own_controller(sweep) or not self._all_ended(sweep):
                return []
            sweep.state = "FINISHED"
            return self._exit(agent)
        sweep.state = "RUNNING"
        run_id = chosen.pop("runid", None) or _name()
        sweep.handed_out[run_id] = chosen["args"]
        agent.runs.append(run_id)
        return [self._command("run", run_id, sweep)]

    def _preempted(self, sweep: StoredSweep) -> str | None:
        """A run to take up again: agents do so before they start new ones.

        As docs.wandb.ai/models/runs/resuming has it under "Resume preemptible Sweeps runs".
        """
        for name in sweep.handed_out:
            run = self._store.run(sweep.entity, sweep.project, name)
            if run and run.state == "preempted" and sweep.resumed_after.get(name) != run.heartbeat_at:
                sweep.resumed_after[name] = run.heartbeat_at
                return name
        return None

    @staticmethod
    def _command(kind: str, run_id: str, sweep: StoredSweep) -> dict[str, Any]:
        """What an agent is told to do with a run."""
        program = {"program": sweep.settings["program"]} if sweep.settings.get("program") else {}
        return {"type": kind, "run_id": run_id, "args": sweep.handed_out[run_id], "logs": []} | program

    def _chosen(self, sweep: StoredSweep) -> dict[str, Any] | None:
        """The next combination: in order for a grid, at random for every other method, Bayesian search too."""
        if sweep.run_cap is not None and len(sweep.handed_out) >= sweep.run_cap:
            return None
        if sweep.method != "grid":
            with search.refusing():
                return {"args": search.draw(sweep.source, sweep.parameters)}
        if sweep.grid is None:
            sweep.grid = search.combinations(sweep.parameters)
        found = next(sweep.grid, None)
        return None if found is None else {"args": found}

    def _scheduled(self, sweep: StoredSweep) -> dict[str, Any] | None:
        """The next run that the user's own controller planned, noted as scheduled."""
        planned = loads_object(sweep.controller or "{}").get("schedule") or []
        scheduler = loads_object(sweep.scheduler or "{}")
        done = scheduler.setdefault("scheduled", [])
        for item in planned:
            if all(item["id"] != known["id"] for known in done):
                run_id = _name()
                done.append({"id": item["id"], "runid": run_id})
                sweep.scheduler = json.dumps(scheduler)
                return {"args": item["data"]["args"], "runid": run_id}
        return None

    def _all_ended(self, sweep: StoredSweep) -> bool:
        found = [self._store.run(sweep.entity, sweep.project, name) for name in sweep.handed_out]
        return all(run is None or run.state in ENDED for run in found)

    @staticmethod
    def _exit(agent: Agent) -> list[dict[str, Any]]:
        agent.told_to_exit = True
        return [{"type": "exit"}]


def _has_own_controller(sweep: StoredSweep) -> bool:
    controller = sweep.settings.get("controller")
    return isinstance(controller, Mapping) and controller.get("type") == "local"


def sweep_not_found(path: str) -> ApiError:
    """A mutation names a sweep that does not exist."""
    return ApiError(f"sweep {path} not found", 404)
