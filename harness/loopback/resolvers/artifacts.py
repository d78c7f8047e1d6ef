"""Resolvers for artifacts: what `log_artifact`, tables and `use_artifact` need in order to end well."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.context import DEFAULT_PROJECT, RequestContext, Resolver, given, request_context
from harness.loopback.errors import ApiError
from harness.loopback.paging import connection
from harness.loopback.runs import StoredRun, storage_id

if TYPE_CHECKING:
    from harness.loopback.artifacts import StoredArtifact
    from harness.loopback.context import Info
    from harness.loopback.store import StoredProject


def known(context: RequestContext, identifier: str, mutation: str) -> StoredArtifact:
    """An artifact by its id or the id of its manifest, if the user may write to it.

    Raises:
        ApiError: no such artifact (404), no permission (403).
    """
    found = context.artifacts.get(identifier)
    if found is None:
        raise ApiError("artifact not found", 404)
    context.writable(found.entity, mutation)
    return found


def node(artifact: StoredArtifact, context: RequestContext) -> dict[str, Any]:
    """An artifact as the API shows one."""
    latest = context.artifacts.latest(artifact)
    sequence = storage_id("ArtifactSequence", artifact.entity, artifact.project, artifact.collection)
    plain = {
        "id": artifact.id,
        "digest": artifact.digest,
        "state": artifact.state,
        "versionIndex": artifact.version,
        "artifactType": {"id": storage_id("ArtifactType", artifact.type_name), "name": artifact.type_name},
        "currentManifest": manifest(artifact, context),
    }
    newest = plain if latest == artifact else ({"id": latest.id} if latest else None)
    return {
        **plain,
        "artifactSequence": {"id": sequence, "name": artifact.collection, "latestArtifact": newest},
    }


def upload_url(artifact: StoredArtifact, name: str, context: RequestContext) -> str:
    """Where a file of an artifact is sent to; it is received and forgotten."""
    path = f"/artifacts/{artifact.number}/{urllib.parse.quote(name)}"
    return f"{context.base_url}{path}?signature={context.links.signature(path)}"


def manifest(artifact: StoredArtifact, context: RequestContext) -> dict[str, Any]:
    """The manifest of an artifact, with the link to send it to."""
    name = "wandb_manifest.json"
    url = upload_url(artifact, name, context)
    file = {"id": storage_id("File", artifact.id, name), "name": name, "uploadUrl": url, "directUrl": url}
    return {"id": artifact.manifest_id, "file": {**file, "uploadHeaders": []}}


def resolve_create_type(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes a type of artifacts; types need no keeping."""
    fields = arguments["input"]
    request_context(info).writable(given(fields, "entityName"), "createArtifactType")
    return {"artifactType": {"id": storage_id("ArtifactType", fields["name"]), "name": fields["name"]}}


def resolve_create(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes a version of an artifact."""
    context, fields = request_context(info), arguments["input"]
    entity = context.writable(given(fields, "entityName"), "createArtifact")
    names = [given(fields, "artifactCollectionName"), *(fields.get("artifactCollectionNames") or [])]
    made = context.artifacts.create(
        entity,
        given(fields, "projectName") or DEFAULT_PROJECT,
        type_name=fields["artifactTypeName"],
        collection=next((name for name in names if name), "unnamed"),
        digest=fields["digest"],
        run=given(fields, "runName"),
        client_id=given(fields, "clientID"),
    )
    return {"artifact": node(made, context)}


def resolve_create_manifest(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Gives the link for the manifest."""
    context = request_context(info)
    found = known(context, arguments["input"]["artifactID"], "createArtifactManifest")
    return {"artifactManifest": manifest(found, context)}


def resolve_update_manifest(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Gives the link for the manifest again."""
    context = request_context(info)
    found = known(context, arguments["input"]["artifactManifestID"], "updateArtifactManifest")
    return {"artifactManifest": manifest(found, context)}


def resolve_create_files(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Gives a link for each file, or for each part of a large one."""
    context, edges = request_context(info), []
    for spec in arguments["input"]["artifactFiles"]:
        found, name = known(context, spec["artifactID"], "createArtifactFiles"), spec["name"]
        parts = [
            {"partNumber": part["partNumber"], "uploadUrl": upload_url(found, f"{name}.{part['partNumber']}", context)}
            for part in spec.get("uploadPartsInput") or []
        ]
        file = {
            "id": storage_id("File", found.id, name),
            "name": name,
            "displayName": name,
            "storagePath": name,
            "uploadUrl": upload_url(found, name, context),
            "uploadHeaders": [],
            "uploadMultipartUrls": {"uploadID": found.id, "uploadUrlParts": parts} if parts else None,
            "artifact": node(found, context),
        }
        edges.append({"node": file})
    return {"files": {"edges": edges}}


def resolve_commit(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Completes a version."""
    context = request_context(info)
    found = known(context, arguments["input"]["artifactID"], "commitArtifact")
    return {"artifact": node(context.artifacts.commit(found), context)}


def resolve_touch(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Accepts the update or the use of a version."""
    context = request_context(info)
    return {"artifact": node(known(context, arguments["input"]["artifactID"], "updateArtifact"), context)}


def resolve_complete_multipart(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Accepts the end of an upload in parts."""
    context = request_context(info)
    return {"digest": known(context, arguments["input"]["artifactID"], "completeMultipartUploadArtifact").digest}


def resolve_artifact(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """A version by its id."""
    context = request_context(info)
    found = context.artifacts.get(arguments["id"])
    return node(found, context) if found and context.readable(found.entity) else None


def resolve_named(project: StoredProject, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """A version by its name in a project."""
    context = request_context(info)
    found = context.artifacts.named(project.entity, project.name, arguments["name"])
    return node(found, context) if found else None


def resolve_client_id(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """Our id of a version that the SDK knows by its own."""
    found = request_context(info).artifacts.by_client_id(arguments["clientID"])
    return {"serverID": found.id} if found else None


def resolve_outputs(run: StoredRun, info: Info, **arguments: Any) -> dict[str, Any]:
    """The versions that a run logged."""
    context = request_context(info)
    found = [
        artifact
        for artifact in context.artifacts.all()
        if (artifact.entity, artifact.project, artifact.run) == (run.entity, run.project, run.name)
    ]
    page = connection(found, arguments.get("first"), arguments.get("after"), lambda artifact: artifact.id)
    return {**page, "edges": [{**edge, "node": node(edge["node"], context)} for edge in page["edges"]]}


RESOLVERS: Mapping[str, Resolver] = {
    "Query.artifact": resolve_artifact,
    "Query.clientIDMapping": resolve_client_id,
    "Project.artifact": resolve_named,
    # Types are not kept: a type has any name, and no collection says how its digests are made.
    "Project.artifactType": lambda _, __, name: {"id": storage_id("ArtifactType", name), "name": name},
    "Mutation.createArtifactType": resolve_create_type,
    "Mutation.createArtifact": resolve_create,
    "Mutation.createArtifactManifest": resolve_create_manifest,
    "Mutation.updateArtifactManifest": resolve_update_manifest,
    "Mutation.createArtifactFiles": resolve_create_files,
    "Mutation.commitArtifact": resolve_commit,
    "Mutation.updateArtifact": resolve_touch,
    "Mutation.useArtifact": resolve_touch,
    "Mutation.completeMultipartUploadArtifact": resolve_complete_multipart,
    "Run.outputArtifacts": resolve_outputs,
    "Run.inputArtifacts": lambda *_, **__: connection((), None, None, str),
}
