"""Resolvers that read artifacts: versions, their files, aliases and lineage."""

from __future__ import annotations

import mimetypes
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.loopback.artifacts.models import Collection, Membership, StoredArtifact, StoredManifest
from harness.loopback.context import RequestContext, Resolver, request_context
from harness.loopback.paging import connection
from harness.loopback.resolvers.accounts import user
from harness.loopback.runs import StoredRun, storage_id, timestamp

if TYPE_CHECKING:
    from harness.loopback.artifacts.manifests import Entry
    from harness.loopback.artifacts.models import RunKey
    from harness.loopback.artifacts.uploads import Upload
    from harness.loopback.blobs import Blob
    from harness.loopback.context import Info
    from harness.loopback.store import StoredProject

LARGEST_FILE_PAGE = 100_000
MANIFEST_NAME = "wandb_manifest.json"


def signed_url(context: RequestContext, path: str) -> str:
    """A link that needs no key."""
    return f"{context.base_url}{path}?signature={context.links.signature(path)}"


def upload_url(context: RequestContext, upload: Upload) -> str:
    """Where a file of an artifact is sent to."""
    return signed_url(context, f"/artifacts/upload/{upload.number}/{urllib.parse.quote(upload.name)}")


def content_url(context: RequestContext, content: Blob, name: str) -> str:
    """Where a content is fetched from."""
    return signed_url(context, f"/artifacts/content/{content.sha256}/{urllib.parse.quote(storage_path(name))}")


def storage_path(name: str) -> str:
    """Where a file lies in the store, as W&B names it."""
    return name if name == MANIFEST_NAME else f"wandb_artifacts/{name}"


def tag(name: str) -> dict[str, str]:
    """A tag as the API shows one."""
    return {"id": storage_id("Tag", name), "name": name}


def aliases(members: Iterable[Membership]) -> list[dict[str, Any]]:
    """The aliases of versions in their collections."""
    return [
        {
            "id": storage_id("ArtifactAlias", str(member.collection.number), alias),
            "alias": alias,
            "artifactCollectionName": member.collection.name,
            "artifactCollection": member.collection,
            "artifact": member.artifact,
        }
        for member in members
        for alias in member.aliases
    ]


def file_node(context: RequestContext, name: str, digest: str, size: int, content: Blob | None) -> dict[str, Any]:
    """A file of an artifact; one that lies elsewhere has no content here, and its link is empty."""
    url = content_url(context, content, name) if content else ""
    return {
        "id": storage_id("ArtifactFile", name, digest),
        "name": name,
        "displayName": name,
        "url": lambda _info, upload=False: None if upload else url or None,
        "directUrl": url,
        "sizeBytes": size,
        "storagePath": storage_path(name),
        "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "updatedAt": None,
        "digest": digest,
        "md5": digest,
    }


def entry_node(context: RequestContext, entry: Entry) -> dict[str, Any]:
    """A file that a manifest lists."""
    content = None if entry.reference else context.artifacts.uploads.content(entry.digest)
    return file_node(context, entry.path, entry.digest, entry.size, content)


def resolve_files(artifact: StoredArtifact, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the files of a version."""
    context = request_context(info)
    listed = context.artifacts.entries(artifact)
    if arguments.get("names"):
        listed = [entry for entry in listed if entry.path in arguments["names"]]
    page = connection(
        listed, arguments.get("first"), arguments.get("after"), lambda entry: entry.path, largest=LARGEST_FILE_PAGE
    )
    return {**page, "edges": [{**edge, "node": entry_node(context, edge["node"])} for edge in page["edges"]]}


def resolve_files_by_entries(_: StoredArtifact, info: Info, **arguments: Any) -> dict[str, Any]:
    """The files that the asker read from the manifest, with links; those of other stores are left out."""
    context = request_context(info)
    uploads = context.artifacts.uploads
    asked = [(entry["name"], entry["digest"], entry.get("size") or 0) for entry in arguments.get("entries") or []]
    found = [(name, digest, size, uploads.content(digest)) for name, digest, size in asked]
    nodes = [file_node(context, *file) for file in found if file[3] is not None]
    return connection(nodes, len(nodes), None, lambda node: str(node["name"]), largest=LARGEST_FILE_PAGE)


def manifest_node(
    manifest: StoredManifest | None, artifact: StoredArtifact, context: RequestContext
) -> dict[str, Any] | None:
    """A manifest: while it is made with the link to send it to, and once it is whole with the link to fetch it from."""
    content = artifact.manifest or (manifest.content if manifest else None)
    if manifest is None:
        return None
    upload = None if content else upload_url(context, context.artifacts.uploads.manifest_link(manifest))
    direct = content_url(context, content, MANIFEST_NAME) if content else upload
    file: dict[str, Any] = {"id": storage_id("File", manifest.id), "name": MANIFEST_NAME, "displayName": MANIFEST_NAME}
    file |= {"uploadUrl": upload, "uploadHeaders": [], "directUrl": direct}
    return {"id": manifest.id, "digest": manifest.digest, "file": file}


def resolve_manifest(artifact: StoredArtifact, info: Info) -> dict[str, Any] | None:
    """The manifest of a version, null while there is none."""
    newest = artifact.manifests[-1] if artifact.manifests else None
    return manifest_node(newest, artifact, request_context(info))


def run_at(context: RequestContext, key: RunKey) -> StoredRun | None:
    """A run by its place, if it still exists and the asker may see it."""
    return context.store.run(*key) if context.may_read(key[0]) else None


def resolve_created_by(artifact: StoredArtifact, info: Info) -> Any:
    """The run, or else the user, that made a version."""
    context = request_context(info)
    if artifact.run is not None:
        return run_at(context, artifact.run)
    found = [account for account in context.accounts.users if account.username == artifact.username]
    return user(found[0], context) if found else None


def resolve_used_by(artifact: StoredArtifact, info: Info, **arguments: Any) -> dict[str, Any]:
    """The runs that used a version."""
    context = request_context(info)
    runs = [run for key in artifact.used_by if (run := run_at(context, key)) is not None]
    return connection(runs, arguments.get("first"), arguments.get("after"), lambda run: run.name)


def artifact_page(found: Sequence[StoredArtifact], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One page of versions."""
    return connection(found, arguments.get("first"), arguments.get("after"), lambda artifact: artifact.id)


def resolve_outputs(run: StoredRun, info: Info, **arguments: Any) -> dict[str, Any]:
    """The versions that a run logged."""
    return artifact_page(request_context(info).artifacts.logged_by(run.key), arguments)


def resolve_inputs(run: StoredRun, info: Info, **arguments: Any) -> dict[str, Any]:
    """The versions that a run used."""
    return artifact_page(request_context(info).artifacts.used_by(run.key), arguments)


def resolve_artifact(_: object, info: Info, **arguments: Any) -> StoredArtifact | None:
    """A version by its id."""
    context = request_context(info)
    found = context.artifacts.get(arguments["id"])
    return found if found and context.readable(found.entity) else None


def resolve_named(project: StoredProject, info: Info, **arguments: Any) -> StoredArtifact | None:
    """A version by its name in a project."""
    found = resolve_membership(project, info, **arguments)
    return found.artifact if found else None


def resolve_membership(project: StoredProject, info: Info, **arguments: Any) -> Membership | None:
    """A version in its collection, by its name in a project."""
    return request_context(info).artifacts.named(project.entity, project.name, arguments["name"])


def resolve_client_id(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """Our id of a version that the SDK knows by its own."""
    found = request_context(info).artifacts.by_client_id(arguments["clientID"])
    return {"serverID": found.id} if found else None


def resolve_type(artifact: StoredArtifact, info: Info) -> Any:
    """The type of a version: that of its sequence."""
    sequence = artifact.sequence
    return request_context(info).artifacts.ensure_type(sequence.entity, sequence.project, sequence.type_name)


def kind_of_collection(value: Collection, *_: object) -> str:
    """The GraphQL type of a collection."""
    return "ArtifactPortfolio" if value.portfolio else "ArtifactSequence"


def kind_of_creator(value: object, *_: object) -> str:
    """The GraphQL type of what made a version."""
    return "Run" if isinstance(value, StoredRun) else "User"


def version_files(member: Membership, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the files of a version in a collection."""
    return resolve_files(member.artifact, info, **arguments)


TYPES: Mapping[str, Any] = {"ArtifactCollection": kind_of_collection, "ArtifactCreator": kind_of_creator}

RESOLVERS: Mapping[str, Resolver] = {
    "Query.artifact": resolve_artifact,
    "Query.clientIDMapping": resolve_client_id,
    "Project.artifact": resolve_named,
    "Project.artifactCollectionMembership": resolve_membership,
    "Run.outputArtifacts": resolve_outputs,
    "Run.inputArtifacts": resolve_inputs,
    "Artifact.digestAlgorithm": lambda artifact, _: artifact.digest_algorithm,
    "Artifact.versionIndex": lambda artifact, _: artifact.version,
    "Artifact.fileCount": lambda artifact, _: artifact.file_count,
    "Artifact.commitHash": lambda artifact, _: artifact.commit_hash,
    "Artifact.historyStep": lambda artifact, _: artifact.history_step,
    "Artifact.ttlDurationSeconds": lambda artifact, _: artifact.ttl_s,
    "Artifact.ttlIsInherited": lambda artifact, _: artifact.ttl_inherited,
    "Artifact.createdAt": lambda artifact, _: timestamp(artifact.created_at),
    "Artifact.updatedAt": lambda artifact, _: timestamp(artifact.updated_at) if artifact.updated_at else None,
    "Artifact.tags": lambda artifact, _: [tag(name) for name in artifact.tags],
    "Artifact.labels": lambda *_: None,
    "Artifact.aliases": lambda artifact, _: aliases(artifact.memberships),
    "Artifact.artifactSequence": lambda artifact, _: artifact.sequence,
    "Artifact.artifactType": resolve_type,
    "Artifact.artifactMemberships": lambda artifact, _, **arguments: connection(
        artifact.memberships, arguments.get("first"), arguments.get("after"), lambda member: member.id
    ),
    "Artifact.currentManifest": resolve_manifest,
    "Artifact.createdBy": resolve_created_by,
    "Artifact.usedBy": resolve_used_by,
    "Artifact.usedCount": lambda artifact, _: len(artifact.used_by),
    "Artifact.files": resolve_files,
    "Artifact.filesByManifestEntries": resolve_files_by_entries,
    "ArtifactCollectionMembership.versionIndex": lambda member, _: member.version,
    "ArtifactCollectionMembership.createdAt": lambda member, _: timestamp(member.created_at),
    "ArtifactCollectionMembership.aliases": lambda member, _: aliases([member]),
    "ArtifactCollectionMembership.artifactCollection": lambda member, _: member.collection,
    "ArtifactCollectionMembership.files": version_files,
}
