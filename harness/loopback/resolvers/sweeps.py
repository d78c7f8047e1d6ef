"""Resolvers for sweeps and their agents."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.context import DEFAULT_PROJECT, Resolver, given, request_context
from harness.loopback.errors import ApiError, bad_request
from harness.loopback.filters import parse_filter, sort_runs
from harness.loopback.jsontext import loads_object
from harness.loopback.paging import connection
from harness.loopback.refusals import LAUNCH, not_here
from harness.loopback.resolvers.accounts import user
from harness.loopback.runs import StoredRun, timestamp
from harness.loopback.sweeps.store import sweep_not_found

if TYPE_CHECKING:
    from harness.loopback.context import Info
    from harness.loopback.store import StoredProject
    from harness.loopback.sweeps.models import Agent, StoredSweep

LARGEST_INT = 2**31 - 1
LARGEST_FLOAT = sys.float_info.max
FIELDS: Mapping[str, Callable[[StoredSweep], Any]] = {
    "name": lambda sweep: sweep.name,
    "displayname": lambda sweep: sweep.display_name,
    "state": lambda sweep: sweep.state,
    "method": lambda sweep: sweep.method,
    "description": lambda sweep: sweep.description,
    "createdat": lambda sweep: timestamp(sweep.created_at),
    "updatedat": lambda sweep: timestamp(sweep.updated_at or sweep.created_at),
}


def sweep_field(path: str) -> Callable[[StoredSweep], Any]:
    """How to read one field of a sweep, by either spelling of its name."""
    found = FIELDS.get(path.replace("_", "").lower())
    if found is None:
        raise bad_request(f"invalid filter: unknown field {path!r}")
    return found


def resolve_sweeps(project: StoredProject, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the sweeps of a project, newest first."""
    test = parse_filter(arguments.get("filters"), sweep_field)
    found = list(reversed(request_context(info).sweeps.of(project.entity, project.name)))
    found = found if test is None else [sweep for sweep in found if test(sweep)]
    return connection(found, arguments.get("first"), arguments.get("after"), lambda sweep: sweep.name)


def resolve_sweep(project: StoredProject, info: Info, **arguments: Any) -> StoredSweep | None:
    """A sweep by its id in the URL."""
    return request_context(info).sweeps.sweep(project.entity, project.name, arguments["sweepName"])


def runs_of(sweep: StoredSweep, info: Info) -> list[StoredRun]:
    """The runs that say that they belong to a sweep, oldest first."""
    runs = request_context(info).store.runs(sweep.entity, sweep.project)
    return [run for run in runs if run.fields.get("sweep") == sweep.name]


def _run_page(runs: list[StoredRun], arguments: Mapping[str, Any]) -> dict[str, Any]:
    test = parse_filter(arguments.get("filters"))
    found = sort_runs(runs if test is None else [run for run in runs if test(run)], arguments.get("order"))
    return connection(found, arguments.get("first"), arguments.get("after"), lambda run: run.name)


def resolve_runs(sweep: StoredSweep, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the runs of a sweep."""
    return _run_page(runs_of(sweep, info), arguments)


def resolve_prior_runs(sweep: StoredSweep, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the runs of the project that the sweep was told to learn from."""
    test = parse_filter(sweep.prior_runs)
    runs = request_context(info).store.runs(sweep.entity, sweep.project)
    return _run_page([run for run in runs if test is not None and test(run)], arguments)


def resolve_agent_runs(agent: Agent, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the runs that an agent started."""
    return _run_page([run for run in runs_of(agent.sweep, info) if run.name in agent.runs], arguments)


def resolve_best_loss(sweep: StoredSweep, info: Info) -> float | None:
    """The best value of the metric among the runs, null where no run has it."""
    metric = sweep.settings.get("metric") or {}
    values = [run.summary.get(str(metric.get("name"))) for run in runs_of(sweep, info)]
    # No NaN, and no whole number that is larger than any float.
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and abs(value) <= LARGEST_FLOAT]
    best = max if metric.get("goal") == "maximize" else min
    return best(numbers, default=None)


def resolve_expected(sweep: StoredSweep, info: Info) -> int | None:
    """How many runs a sweep will have in the end, as far as GraphQL can count."""
    expected = request_context(info).sweeps.expected_runs(sweep)
    return None if expected is None else min(expected, LARGEST_INT)


def resolve_user(sweep: StoredSweep, info: Info) -> dict[str, Any] | None:
    """Who made a sweep."""
    context = request_context(info)
    found = [account for account in context.accounts.users if account.username == sweep.username]
    return user(found[0], context) if found else None


def resolve_agent(sweep: StoredSweep, _: Info, **arguments: Any) -> Agent | None:
    """An agent by its name or id."""
    wanted = arguments["agentName"]
    return next((agent for agent in sweep.agents if wanted in (agent.name, agent.id)), None)


def resolve_upsert(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes or changes a sweep."""
    context, fields = request_context(info), arguments["input"]
    if fields.get("launchScheduler") is not None:
        raise not_here(LAUNCH)
    found = None
    if given(fields, "id"):
        found = context.sweeps.by_id(fields["id"])
        if found is None:
            raise sweep_not_found(fields["id"])
        context.writable(found.entity, "upsertSweep")
    parse_filter(fields.get("priorRunsFilters"))
    entity = found.entity if found else context.writable(given(fields, "entityName"), "upsertSweep")
    project = given(fields, "projectName") or DEFAULT_PROJECT
    made = context.sweeps.upsert(found, entity, project, fields, context.require_user().username)
    return {"sweep": made, "configValidationWarnings": []}


def resolve_create_agent(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Registers an agent."""
    context, fields = request_context(info), arguments["input"]
    entity = context.writable(given(fields, "entityName"), "createAgent")
    project = given(fields, "projectName") or DEFAULT_PROJECT
    sweep = context.sweeps.sweep(entity, project, fields["sweep"])
    if sweep is None:
        raise sweep_not_found(f"{entity}/{project}/{fields['sweep']}")
    return {"agent": context.sweeps.new_agent(sweep, fields["host"])}


def resolve_heartbeat(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Tells an agent what to do."""
    context, fields = request_context(info), arguments["input"]
    agent = context.sweeps.agent(fields["id"])
    if agent is None:
        raise ApiError("agent not found", 404)
    context.writable(agent.sweep.entity, "agentHeartbeat")
    try:
        states = loads_object(fields.get("runState") or "{}")
    except ValueError as error:
        raise bad_request(f"runState: {error}") from error
    return {"agent": agent, "commands": json.dumps(context.sweeps.heartbeat(agent, states))}


RESOLVERS: Mapping[str, Resolver] = {
    "Project.sweeps": resolve_sweeps,
    "Project.sweep": resolve_sweep,
    "Project.totalSweeps": lambda project, info: len(request_context(info).sweeps.of(project.entity, project.name)),
    "Sweep.displayName": lambda sweep, _: sweep.display_name,
    "Sweep.bestLoss": resolve_best_loss,
    "Sweep.createdAt": lambda sweep, _: timestamp(sweep.created_at),
    "Sweep.updatedAt": lambda sweep, _: timestamp(sweep.updated_at) if sweep.updated_at else None,
    "Sweep.heartbeatAt": lambda sweep, _: timestamp(sweep.heartbeat_at) if sweep.heartbeat_at else None,
    "Sweep.earlyStopJobRunning": lambda *_: False,
    "Sweep.controllerRunName": lambda *_: None,
    "Sweep.priorRuns": resolve_prior_runs,
    "Sweep.priorRunsFilters": lambda sweep, _: sweep.prior_runs,
    "Sweep.runCount": lambda sweep, info: len(runs_of(sweep, info)),
    "Sweep.runCountExpected": resolve_expected,
    "Sweep.project": lambda sweep, info: request_context(info).store.project(sweep.entity, sweep.project),
    "Sweep.user": resolve_user,
    "Sweep.runs": resolve_runs,
    "Sweep.agents": lambda sweep, _, **__: {"edges": [{"node": agent} for agent in sweep.agents]},
    "Sweep.agent": resolve_agent,
    "Agent.totalRuns": lambda agent, _: len(agent.runs),
    "Agent.createdAt": lambda agent, _: timestamp(agent.created_at),
    "Agent.heartbeatAt": lambda agent, _: timestamp(agent.heartbeat_at),
    "Agent.runs": resolve_agent_runs,
    "Mutation.upsertSweep": resolve_upsert,
    "Mutation.createAgent": resolve_create_agent,
    "Mutation.agentHeartbeat": resolve_heartbeat,
}
