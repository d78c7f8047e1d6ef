"""Resolvers that change runs: upsert, files, delete, stop, state, alerts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.context import DEFAULT_PROJECT, RequestContext, Resolver, given, request_context
from harness.loopback.errors import ApiError, bad_request, project_not_found, run_not_found
from harness.loopback.rows import LARGEST_STEP
from harness.loopback.runs import StoredRun, storage_id

if TYPE_CHECKING:
    from harness.loopback.context import Info

NAME_LIMIT = 128
FORBIDDEN_IN_NAMES = "/\\#?%:"
LIMITS = {"displayName": ("DisplayName", 128), "groupName": ("GroupName", 128), "jobType": ("JobType", 64)}
"""Longest values of a run's fields, and what the cloud calls them when it refuses one (wandb/wandb#6402)."""
TAG_LIMIT = 64
BEFORE = {"pending": ("running", "failed", "crashed", "preempted"), "failed": ("pending", "running")}
"""The states that a run may be in before it is set to one of these."""


def run_of(context: RequestContext, identifier: str, mutation: str) -> StoredRun:
    """A run by its storage id, if the user may write to it.

    Raises:
        ApiError: no such run (404), no permission (403).
    """
    run = context.store.run_by_id(identifier)
    if run is None:
        raise run_not_found(_path_in(identifier))
    context.writable(run.entity, mutation)
    return run


def _path_in(identifier: str) -> str:
    """`ENTITY/PROJECT/RUN` of a storage id, or the id itself if it is none."""
    try:
        kind, _version, name, project, entity = base64.b64decode(identifier, validate=True).decode().split(":")
    except (binascii.Error, ValueError):
        return identifier
    return f"{entity}/{project}/{name}" if kind == "Run" else identifier


def run_at(context: RequestContext, fields: Mapping[str, Any], mutation: str) -> StoredRun:
    """A run by entity, project and name, if the user may write to it.

    Raises:
        ApiError: no such project or run (404), no permission (403).
    """
    entity = context.writable(given(fields, "entityName"), mutation)
    project = given(fields, "projectName") or DEFAULT_PROJECT
    if context.store.project(entity, project) is None:
        raise project_not_found()
    run = context.store.run(entity, project, str(fields["runName"]))
    if run is None:
        raise run_not_found(f"{entity}/{project}/{fields['runName']}")
    return run


def resolve_upsert_bucket(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes or updates a run by name (what a job does), or edits one by id (what a reader does)."""
    context, fields = request_context(info), arguments["input"]
    settings: dict[str, Any] = {"serverSettings": {"serverMessages": []}}
    name = given(fields, "name")
    if name is None:
        run = run_of(context, fields.get("id") or "", "upsertBucket")
        context.store.edit(run, fields)
        return {"bucket": run, "inserted": False, **settings}
    entity = context.writable(given(fields, "entityName"), "upsertBucket")
    project = given(fields, "modelName") or DEFAULT_PROJECT
    for text in (name, project):
        if len(text) > NAME_LIMIT:
            raise bad_request(f"invalid parameters: {NAME_LIMIT} limit exceeded for Name")
        if any(c in FORBIDDEN_IN_NAMES for c in text):
            raise bad_request(f"invalid name {text!r}")
    _refuse_long_values(fields)
    username = context.require_user().username
    run, inserted = context.store.upsert(entity, project, name, fields, username)
    return {"bucket": run, "inserted": inserted, **settings}


def _refuse_long_values(fields: Mapping[str, Any]) -> None:
    """Refuse what is longer than its column, in the words of the cloud (wandb/wandb#6402, #4208).

    Raises:
        ApiError: a value or a tag is too long (400).
    """
    for field, (told, limit) in LIMITS.items():
        if len(given(fields, field) or "") > limit:
            raise bad_request(f"invalid parameters: {limit} limit exceeded for {told}")
    for tag in fields.get("tags") or ():
        if not 1 <= len(tag) <= TAG_LIMIT:
            raise bad_request(f"invalid tag '{tag}'. must be between 1 and {TAG_LIMIT} characters")


def resolve_create_run_files(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Gives a signed link for each file that the job wants to upload."""
    context, fields = request_context(info), arguments["input"]
    run = run_at(context, fields, "createRunFiles")
    files = [
        {
            "id": storage_id("File", run.id, name),
            "name": name,
            "uploadUrl": context.file_url(run, name, signed=True),
            "uploadHeaders": [],
        }
        for name in fields["files"]
    ]
    return {"runID": run.id, "uploadHeaders": [], "files": files}


def resolve_mark_uploaded(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Confirms uploads; here a file counts from the moment that it has arrived."""
    run_at(request_context(info), arguments["input"], "markRunFilesUploaded")
    return {"success": True}


def resolve_delete_files(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Deletes files by their ids."""
    context = request_context(info)
    for identifier in arguments["input"]["files"]:
        try:
            kind, _version, run_id, name = base64.b64decode(identifier).decode().split(":", 3)
        except (binascii.Error, ValueError) as error:
            raise ApiError("file not found", 404) from error
        run = run_of(context, run_id if kind == "File" else "", "deleteFiles")
        context.store.delete_file(run, name)
    return {"success": True}


def resolve_delete_run(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Deletes a run for good, and what it logged if that is asked; to delete it again changes nothing."""
    context, fields = request_context(info), arguments["input"]
    if not context.store.was_deleted(fields["id"]):
        run = run_of(context, fields["id"], "deleteRun")
        for artifact in context.artifacts.logged_by(run.key) if fields.get("deleteArtifacts") else ():
            context.artifacts.delete(artifact)
        context.store.delete_run(run)
    return {"clientMutationId": arguments["input"].get("clientMutationId")}


def resolve_stop_run(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Asks a run to stop."""
    context = request_context(info)
    context.store.stop(run_of(context, arguments["input"]["id"], "stopRun"))
    return {"success": True}


def resolve_update_state(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Sets the state of a run, as far as the SDK documents that one follows from the other.

    Raises:
        ApiError: it does not follow, or the run belongs to a sweep (400).
    """
    context, fields = request_context(info), arguments["input"]
    run, state = run_of(context, fields["id"], "updateRunState"), fields["state"].lower()
    if run.state not in BEFORE.get(state, ()):
        raise bad_request(f"invalid state transition: a run that is {run.state} cannot become {state}")
    if run.fields.get("sweep"):
        raise bad_request("the state of a run of a sweep cannot be changed")
    context.store.edit(run, {"state": state})
    return {"success": True}


def resolve_rewind(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Takes a run back to a step: what it logged later is gone.

    Raises:
        ApiError: another metric than the step is named (400), no such run (404).
    """
    context, fields = request_context(info), arguments["input"]
    run = run_at(context, fields, "rewindRun")
    if fields["metricName"] != "_step":
        raise bad_request("a run can be rewound by _step only")
    if not abs(fields["metricValue"]) <= LARGEST_STEP:
        raise bad_request(f"no step {fields['metricValue']}")
    context.store.rewind(run, int(fields["metricValue"]))
    return {"rewoundRun": run}


def resolve_chart(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Accepts a custom chart; nobody draws it."""
    context, fields = request_context(info), arguments["input"]
    entity = context.writable(given(fields, "entity"), "createCustomChart")
    return {"chart": {"id": storage_id("CustomChart", entity, fields["name"])}}


def resolve_alert(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Accepts `wandb.alert`; nobody is mailed."""
    run_at(request_context(info), arguments["input"], "notifyScriptableRunAlert")
    return {"success": True}


RESOLVERS: Mapping[str, Resolver] = {
    "Mutation.upsertBucket": resolve_upsert_bucket,
    "Mutation.createRunFiles": resolve_create_run_files,
    "Mutation.markRunFilesUploaded": resolve_mark_uploaded,
    "Mutation.deleteFiles": resolve_delete_files,
    "Mutation.deleteRun": resolve_delete_run,
    "Mutation.stopRun": resolve_stop_run,
    "Mutation.updateRunState": resolve_update_state,
    "Mutation.rewindRun": resolve_rewind,
    "Mutation.createCustomChart": resolve_chart,
    "Mutation.notifyScriptableRunAlert": resolve_alert,
}
