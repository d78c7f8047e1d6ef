"""Resolvers that change artifacts: made, filled, committed, used, linked, aliased, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.artifacts.models import Membership, RunKey, StoredArtifact
from harness.loopback.artifacts.uploads import Upload
from harness.loopback.context import DEFAULT_PROJECT, RequestContext, Resolver, given, request_context
from harness.loopback.errors import ApiError, bad_request, run_not_found
from harness.loopback.resolvers.artifacts import manifest_node, storage_path, upload_url
from harness.loopback.runs import storage_id

if TYPE_CHECKING:
    from harness.loopback.context import Info


# The second is the one of W&B's own server for tests.
REGIONS = ("default", "minio-local")


def known(context: RequestContext, identifier: str, mutation: str) -> StoredArtifact:
    """An artifact by its id, if the user may write to it.

    Raises:
        ApiError: no such artifact (404), no permission (403).
    """
    found = context.artifacts.get(identifier)
    if found is None:
        raise ApiError("artifact not found", 404)
    context.writable(found.entity, mutation)
    return found


def run_key(context: RequestContext, entity: str, project: str, name: str | None) -> RunKey | None:
    """The run that a mutation names, None if it names none.

    Raises:
        ApiError: there is no such run (404).
    """
    if name is None:
        return None
    if context.store.run(entity, project, name) is None:
        raise run_not_found(f"{entity}/{project}/{name}")
    return entity, project, name


def resolve_create_type(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes a type of artifacts, or finds it."""
    context, fields = request_context(info), arguments["input"]
    entity = context.writable(given(fields, "entityName"), "createArtifactType")
    project = given(fields, "projectName") or DEFAULT_PROJECT
    return {"artifactType": context.artifacts.ensure_type(entity, project, fields["name"], fields.get("description"))}


def resolve_create(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes a version of an artifact."""
    context, fields = request_context(info), arguments["input"]
    entity = context.writable(given(fields, "entityName"), "createArtifact")
    project = given(fields, "projectName") or DEFAULT_PROJECT
    username = context.require_user().username
    if given(fields, "storageRegion") not in (None, *REGIONS):
        raise bad_request(f"invalid storageRegion: {fields['storageRegion']}")
    context.store.ensure_project(entity, project, username)
    names = [given(fields, "artifactCollectionName"), *(fields.get("artifactCollectionNames") or [])]
    name = next((name for name in names if name), None)
    if name is None:
        raise bad_request("an artifact needs the name of a collection")
    run = run_key(context, entity, project, given(fields, "runName"))
    collection = context.artifacts.ensure_collection(entity, project, name, fields["artifactTypeName"])
    aliases = [alias["alias"] for alias in fields.get("aliases") or []]
    return {"artifact": context.artifacts.create(collection, fields, aliases, run, username)}


def resolve_create_manifest(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Makes a manifest and gives the link to send it to."""
    context, fields = request_context(info), arguments["input"]
    found = known(context, fields["artifactID"], "createArtifactManifest")
    made = context.artifacts.add_manifest(
        found, fields.get("type") or "FULL", given(fields, "baseArtifactID"), fields["digest"] or None
    )
    return {"artifactManifest": manifest_node(made, found, context)}


def resolve_update_manifest(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Says what a manifest will be, and gives the link to send it to."""
    context, fields = request_context(info), arguments["input"]
    found = context.artifacts.manifest(fields["artifactManifestID"])
    if found is None:
        raise ApiError("artifact manifest not found", 404)
    context.writable(found.artifact.entity, "updateArtifactManifest")
    found.digest = given(fields, "digest") or found.digest
    found.base = given(fields, "baseArtifactID") or found.base
    return {"artifactManifest": manifest_node(found, found.artifact, context)}


def resolve_create_files(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Gives a link for each file, or for each part of a large one; none for a file that is here already."""
    context, edges = request_context(info), []
    for spec in arguments["input"]["artifactFiles"]:
        found = known(context, spec["artifactID"], "createArtifactFiles")
        edges.append({"node": _file_to_send(context, found, spec)})
    return {"files": {"edges": edges}}


def _file_to_send(context: RequestContext, artifact: StoredArtifact, spec: Mapping[str, Any]) -> dict[str, Any]:
    uploads, name, digest = context.artifacts.uploads, spec["name"], spec["md5"]
    parts = {part["partNumber"]: part["hexMD5"] for part in spec.get("uploadPartsInput") or []}
    links: list[Upload] = []
    url = None
    if uploads.content(digest) is None:
        url = upload_url(context, uploads.link(name, artifact, digest))
        links = uploads.part_links(name, artifact, digest, parts) if parts else []
    urls = [{"partNumber": link.part, "uploadUrl": upload_url(context, link)} for link in links]
    return {
        "id": storage_id("ArtifactFile", artifact.id, name),
        "name": name,
        "displayName": name,
        "storagePath": storage_path(name),
        "uploadUrl": url,
        "uploadHeaders": [],
        "uploadMultipartUrls": {"uploadID": links[0].part_of, "uploadUrlParts": urls} if links else None,
        "artifact": artifact,
    }


def resolve_complete_multipart(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Joins the parts of a large file, or forgets them."""
    context, fields = request_context(info), arguments["input"]
    known(context, fields["artifactID"], "completeMultipartUploadArtifact")
    uploads = context.artifacts.uploads
    if fields["completeMultipartAction"] == "Abort":
        uploads.abort(fields["uploadID"])
        return {"digest": None}
    whole = uploads.complete(fields["uploadID"], [part["partNumber"] for part in fields["completedParts"]])
    return {"digest": whole.md5_base64}


def resolve_commit(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Completes a version."""
    context = request_context(info)
    found = known(context, arguments["input"]["artifactID"], "commitArtifact")
    context.artifacts.commit(found)
    return {"artifact": found}


def resolve_update(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Changes description, metadata, tags, aliases or time to live of a version."""
    context, fields = request_context(info), arguments["input"]
    found = known(context, fields["artifactID"], "updateArtifact")
    context.artifacts.update(found, fields)
    return {"artifact": found}


def resolve_delete(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Deletes a version; one that an alias stands for only if that is said."""
    context, fields = request_context(info), arguments["input"]
    found = known(context, fields["artifactID"], "deleteArtifact")
    if any(member.aliases for member in found.memberships) and not fields.get("deleteAliases"):
        raise ApiError("cannot delete an artifact that has aliases; delete them first, or set deleteAliases", 409)
    context.artifacts.delete(found)
    return {"artifact": found}


def resolve_use(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Notes that a run uses a version."""
    context, fields = request_context(info), arguments["input"]
    found = context.artifacts.get(fields["artifactID"])
    if found is None or context.readable(found.entity) is None:
        raise ApiError("artifact not found", 404)
    entity = context.writable(given(fields, "entityName"), "useArtifact")
    run = run_key(context, entity, given(fields, "projectName") or DEFAULT_PROJECT, given(fields, "runName"))
    if run is not None:
        context.artifacts.use(found, run)
    return {"artifact": found}


def resolve_link(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Puts a version into a portfolio, which is made if it is new."""
    context, fields = request_context(info), arguments["input"]
    artifacts = context.artifacts
    found = artifacts.get(fields.get("artifactID") or "") or artifacts.by_client_id(fields.get("clientID") or "")
    if found is None or context.readable(found.entity) is None:
        raise ApiError("artifact not found", 404)
    portfolio = artifacts.collection_by_id(fields.get("artifactPortfolioID") or "")
    if portfolio is None:
        entity = context.writable(given(fields, "entityName"), "linkArtifact")
        project, name = given(fields, "projectName") or DEFAULT_PROJECT, given(fields, "artifactPortfolioName")
        if name is None:
            raise bad_request("a link needs the name of a portfolio")
        context.store.ensure_project(entity, project, context.require_user().username)
        portfolio = artifacts.ensure_collection(entity, project, name, found.sequence.type_name, portfolio=True)
    context.writable(portfolio.entity, "linkArtifact")
    member = artifacts.link(found, portfolio, [alias["alias"] for alias in fields.get("aliases") or []])
    return {"versionIndex": member.version, "artifactMembership": member}


def resolve_unlink(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Takes a version out of a portfolio."""
    context, fields = request_context(info), arguments["input"]
    found = context.artifacts.get(fields["artifactID"])
    members = found.memberships if found else []
    member = next((m for m in members if m.collection.id == fields["artifactPortfolioID"]), None)
    if member is None or not member.collection.portfolio:
        raise ApiError("artifact is not linked there", 404)
    context.writable(member.collection.entity, "unlinkArtifact")
    context.artifacts.unlink(member)
    return {"success": True, "artifactID": fields["artifactID"]}


def _aliased(info: Info, fields: Mapping[str, Any], mutation: str) -> list[tuple[Membership, str]]:
    """The aliases of a mutation, each with the place of the version that it is about."""
    context, found = request_context(info), []
    for alias in fields["aliases"]:
        entity = context.writable(given(alias, "entityName"), mutation)
        place = (entity, alias["projectName"], alias["artifactCollectionName"])
        artifact = context.artifacts.get(fields["artifactID"])
        members = artifact.memberships if artifact else []
        member = next((m for m in members if m.collection.place == place), None)
        if member is None:
            raise ApiError("artifact not found in this collection", 404)
        found.append((member, alias["alias"]))
    return found


def resolve_add_aliases(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Makes aliases stand for a version."""
    for member, alias in _aliased(info, arguments["input"], "addAliases"):
        request_context(info).artifacts.point(member, alias)
    return {"success": True}


def resolve_delete_aliases(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Takes aliases from a version."""
    for member, alias in _aliased(info, arguments["input"], "deleteAliases"):
        request_context(info).artifacts.drop_alias(member, alias)
    return {"success": True}


RESOLVERS: Mapping[str, Resolver] = {
    "Mutation.createArtifactType": resolve_create_type,
    "Mutation.createArtifact": resolve_create,
    "Mutation.createArtifactManifest": resolve_create_manifest,
    "Mutation.updateArtifactManifest": resolve_update_manifest,
    "Mutation.createArtifactFiles": resolve_create_files,
    "Mutation.completeMultipartUploadArtifact": resolve_complete_multipart,
    "Mutation.commitArtifact": resolve_commit,
    "Mutation.updateArtifact": resolve_update,
    "Mutation.deleteArtifact": resolve_delete,
    "Mutation.useArtifact": resolve_use,
    "Mutation.linkArtifact": resolve_link,
    "Mutation.unlinkArtifact": resolve_unlink,
    "Mutation.addAliases": resolve_add_aliases,
    "Mutation.deleteAliases": resolve_delete_aliases,
}
