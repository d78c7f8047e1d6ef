"""Resolvers for projects and for the lists of runs in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.context import DEFAULT_PROJECT, Resolver, given, request_context
from harness.loopback.errors import bad_request
from harness.loopback.filters import parse_filter, sort_runs
from harness.loopback.paging import connection
from harness.loopback.resolvers.accounts import entity, projects_of, user
from harness.loopback.runs import StoredRun, timestamp
from harness.loopback.store import StoredProject

if TYPE_CHECKING:
    from harness.loopback.context import Info


def resolve_project(_: object, info: Info, **arguments: Any) -> StoredProject | None:
    """A project by name and entity; null where either does not exist."""
    context = request_context(info)
    owner = context.readable(given(arguments, "entityName"))
    return context.store.project(owner, given(arguments, "name") or DEFAULT_PROJECT) if owner else None


def resolve_model(_: object, info: Info, **arguments: Any) -> StoredProject | None:
    """The project under its older name, which resuming uses."""
    return resolve_project(_, info, **arguments)


def resolve_models(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """The projects of an entity, newest first."""
    context = request_context(info)
    owner = context.readable(given(arguments, "entityName"))
    if owner is None:
        return None
    return projects_of(owner, arguments, context)


def matching(project: StoredProject, info: Info, filters: str | None) -> list[StoredRun]:
    """The runs of a project that a filter lets through, oldest first."""
    test = parse_filter(filters)
    context = request_context(info)
    with context.store.lock:
        found = list(project.runs.values())
        return found if test is None else [run for run in found if test(run)]


def resolve_run_count(project: StoredProject, info: Info, **arguments: Any) -> int:
    """How many runs a filter lets through."""
    return len(matching(project, info, arguments.get("filters")))


def resolve_runs(project: StoredProject, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of runs, filtered and ordered."""
    found = sort_runs(matching(project, info, arguments.get("filters")), arguments.get("order"))
    if arguments.get("names"):
        found = [run for run in found if run.name in arguments["names"]]
    return connection(found, arguments.get("first"), arguments.get("after"), lambda run: run.name)


def resolve_run(project: StoredProject, _: Info, **arguments: Any) -> StoredRun | None:
    """A run by its name in the URL; null where it does not exist."""
    return project.runs.get(str(arguments.get("name")))


def resolve_project_user(project: StoredProject, info: Info) -> dict[str, Any] | None:
    """Who made the project."""
    context = request_context(info)
    found = [account for account in context.accounts.users if account.username == project.username]
    return user(found[0], context) if found else None


def resolve_upsert_model(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes a project, or finds it."""
    context, fields = request_context(info), arguments["input"]
    owner = context.writable(given(fields, "entityName"), "upsertModel")
    name = given(fields, "name")
    if name is None:
        raise bad_request("a project needs a name")
    inserted = context.store.project(owner, name) is None
    project = context.store.ensure_project(owner, name, context.require_user().username)
    return {"project": project, "model": project, "inserted": inserted}


RESOLVERS: Mapping[str, Resolver] = {
    "Query.project": resolve_project,
    "Query.model": resolve_model,
    "Query.models": resolve_models,
    "Mutation.upsertModel": resolve_upsert_model,
    "Project.internalId": lambda project, _: project.internal_id,
    "Project.entity": lambda project, info: entity(project.entity, request_context(info)),
    "Project.entityName": lambda project, _: project.entity,
    "Project.createdAt": lambda project, _: timestamp(project.created_at),
    "Project.access": lambda *_: "PRIVATE",
    "Project.isBenchmark": lambda *_: False,
    "Project.isPublished": lambda *_: False,
    "Project.readOnly": lambda *_: False,
    "Project.user": resolve_project_user,
    "Project.runCount": resolve_run_count,
    "Project.runs": resolve_runs,
    "Project.buckets": resolve_runs,
    "Project.run": resolve_run,
    "Project.bucket": resolve_run,
    "Project.updatedAt": lambda project, _: timestamp(project.created_at),
    # Nobody can save a report or a workspace here, so there is none.
    "Project.allViews": lambda *_, **__: connection((), None, None, str),
}
