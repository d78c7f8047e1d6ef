"""Resolvers for the types and collections of artifacts: read, filtered, renamed, tagged, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.artifacts.models import LATEST, Collection, Membership, StoredArtifact, StoredType
from harness.loopback.context import RequestContext, Resolver, given, request_context
from harness.loopback.errors import ApiError, bad_request
from harness.loopback.filters import parse_filter, sort_by
from harness.loopback.paging import connection
from harness.loopback.resolvers.artifacts import aliases, tag
from harness.loopback.runs import timestamp

if TYPE_CHECKING:
    from harness.loopback.context import Info
    from harness.loopback.store import StoredProject

COLLECTION_FIELDS: Mapping[str, Callable[[Collection], Any]] = {
    "name": lambda found: found.name,
    "description": lambda found: found.description,
    "tags": lambda found: found.tags,
    "tag": lambda found: found.tags,
    "type": lambda found: found.type_name,
    "created_at": lambda found: timestamp(found.created_at),
    "updated_at": lambda found: timestamp(found.updated_at or found.created_at),
    "id": lambda found: found.number,
}
VERSION_FIELDS: Mapping[str, Callable[[Membership], Any]] = {
    "alias": lambda member: member.aliases,
    "aliases": lambda member: member.aliases,
    "tag": lambda member: member.artifact.tags,
    "tags": lambda member: member.artifact.tags,
    "state": lambda member: member.artifact.state,
    "version": lambda member: f"v{member.version}",
    "version_index": lambda member: member.version,
    "digest": lambda member: member.artifact.digest,
    "size": lambda member: member.artifact.size,
    "created_at": lambda member: timestamp(member.created_at),
    "updated_at": lambda member: timestamp(member.artifact.updated_at or member.created_at),
    "id": lambda member: member.artifact.number,
}


def _reader(fields: Mapping[str, Callable[[Any], Any]]) -> Callable[[str], Callable[[Any], Any]]:
    """How to read a field of a collection or a version by either spelling of its name."""
    plain = {name.replace("_", ""): read for name, read in fields.items()}

    def reader(path: str) -> Callable[[Any], Any]:
        found = plain.get(path.replace("_", "").lower())
        if found is None:
            raise bad_request(f"invalid filter: unknown field {path!r}")
        return found

    return reader


def _selected(items: list[Any], fields: Mapping[str, Callable[[Any], Any]], arguments: Mapping[str, Any]) -> list[Any]:
    test = parse_filter(arguments.get("filters"), _reader(fields))
    found = items if test is None else [item for item in items if test(item)]
    order = arguments.get("order")
    return sort_by(found, order, _reader(fields)) if order else found


def collection_page(found: list[Collection], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One page of collections, filtered and ordered."""
    chosen = _selected(found, COLLECTION_FIELDS, arguments)
    return connection(chosen, arguments.get("first"), arguments.get("after"), lambda item: str(item.number))


def resolve_collections(project: StoredProject, info: Info, **arguments: Any) -> dict[str, Any]:
    """The collections of a project."""
    found = request_context(info).artifacts.collections(project.entity, project.name)
    return collection_page(found, arguments)


def resolve_collection(project: StoredProject, info: Info, **arguments: Any) -> Collection | None:
    """A collection of a project by name."""
    return request_context(info).artifacts.collection(project.entity, project.name, arguments["name"])


def resolve_by_id(_: object, info: Info, **arguments: Any) -> Collection | None:
    """A collection by its id."""
    context = request_context(info)
    found = context.artifacts.collection_by_id(arguments["id"])
    return found if found and context.readable(found.entity) else None


def resolve_types(project: StoredProject, info: Info, **arguments: Any) -> dict[str, Any]:
    """The types of a project."""
    found = request_context(info).artifacts.types(project.entity, project.name)
    return connection(found, arguments.get("first"), arguments.get("after"), lambda item: item.name)


def resolve_type(project: StoredProject, info: Info, **arguments: Any) -> StoredType | None:
    """A type of a project by name, null where nothing is of that type."""
    found = request_context(info).artifacts.types(project.entity, project.name)
    return next((item for item in found if item.name == arguments["name"]), None)


def of_type(kind: StoredType, info: Info) -> list[Collection]:
    """The collections of one type."""
    found = request_context(info).artifacts.collections(kind.entity, kind.project)
    return [item for item in found if item.type_name == kind.name]


def resolve_of_type(kind: StoredType, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the collections of one type."""
    return collection_page(of_type(kind, info), arguments)


def resolve_one_of_type(kind: StoredType, info: Info, **arguments: Any) -> Collection | None:
    """A collection of one type by name."""
    return next((item for item in of_type(kind, info) if item.name == arguments["name"]), None)


def resolve_versions_of_type(kind: StoredType, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the versions of one type, newest first."""
    found = [member.artifact for item in of_type(kind, info) if not item.portfolio for member in item.members]
    found.sort(key=lambda artifact: artifact.number, reverse=True)
    return connection(found, arguments.get("first"), arguments.get("after"), lambda artifact: artifact.id)


def resolve_version_of_type(kind: StoredType, info: Info, **arguments: Any) -> StoredArtifact | None:
    """A version of one type by its name."""
    found = request_context(info).artifacts.named(kind.entity, kind.project, arguments["name"])
    return found.artifact if found and found.collection.type_name == kind.name else None


def resolve_versions(collection: Collection, _: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the versions of a collection, newest first."""
    chosen = _selected(list(reversed(collection.members)), VERSION_FIELDS, arguments)
    page = connection(chosen, arguments.get("first"), arguments.get("after"), lambda member: member.id)
    edges = [{**edge, "node": edge["node"].artifact, "version": f"v{edge['node'].version}"} for edge in page["edges"]]
    return {**page, "edges": edges}


def resolve_latest(collection: Collection, _: Info) -> StoredArtifact | None:
    """The version that `latest` stands for, null while none is committed."""
    found = collection.member(LATEST)
    return found.artifact if found else None


def resolve_default_type(collection: Collection, info: Info) -> StoredType:
    """The type of a collection."""
    return request_context(info).artifacts.ensure_type(collection.entity, collection.project, collection.type_name)


def resolve_aliases(collection: Collection, _: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the aliases of a collection."""
    found = aliases(collection.members)
    return connection(found, arguments.get("first"), arguments.get("after"), lambda alias: str(alias["id"]))


# --- changing ---


def changeable(context: RequestContext, identifier: str, mutation: str) -> Collection:
    """A collection by its id, if the user may write to it.

    Raises:
        ApiError: no such collection (404), no permission (403).
    """
    found = context.artifacts.collection_by_id(identifier)
    if found is None or found.deleted:
        raise ApiError("artifact collection not found", 404)
    context.writable(found.entity, mutation)
    return found


def resolve_update(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Changes name and description of a sequence or portfolio."""
    context, fields = request_context(info), arguments["input"]
    identifier = fields.get("artifactSequenceID") or fields["artifactPortfolioID"]
    found = changeable(context, identifier, "updateArtifactCollection")
    context.artifacts.rename(found, given(fields, "name"), fields.get("description"))
    return {"artifactCollection": found}


def resolve_move(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Gives a sequence another type."""
    context, fields = request_context(info), arguments["input"]
    found = changeable(context, fields["artifactSequenceID"], "moveArtifactSequence")
    context.artifacts.move(found, fields["destinationArtifactTypeName"])
    return {"artifactCollection": found}


def resolve_delete(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Deletes a sequence or portfolio."""
    context, fields = request_context(info), arguments["input"]
    identifier = fields.get("artifactSequenceID") or fields["artifactPortfolioID"]
    found = changeable(context, identifier, "deleteArtifactCollection")
    context.artifacts.delete_collection(found)
    return {"artifactCollection": found}


def _tagged(info: Info, fields: Mapping[str, Any], mutation: str) -> tuple[Collection, list[str]]:
    context = request_context(info)
    entity = context.writable(given(fields, "entityName"), mutation)
    found = context.artifacts.collection(entity, fields["projectName"], fields["artifactCollectionName"])
    if found is None:
        raise ApiError("artifact collection not found", 404)
    return found, [given_tag["tagName"] for given_tag in fields["tags"]]


def resolve_add_tags(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Adds tags to a collection."""
    found, names = _tagged(info, arguments["input"], "createArtifactCollectionTagAssignments")
    with request_context(info).artifacts.lock:
        found.tags.extend(name for name in names if name not in found.tags)
    return {"tags": [tag(name) for name in found.tags]}


def resolve_delete_tags(_: object, info: Info, **arguments: Any) -> dict[str, bool]:
    """Takes tags from a collection."""
    found, names = _tagged(info, arguments["input"], "deleteArtifactCollectionTagAssignments")
    with request_context(info).artifacts.lock:
        found.tags[:] = [name for name in found.tags if name not in names]
    return {"success": True}


OF_COLLECTION: Mapping[str, Resolver] = {
    "createdAt": lambda collection, _: timestamp(collection.created_at),
    "updatedAt": lambda collection, _: timestamp(collection.updated_at) if collection.updated_at else None,
    "project": lambda found, info: request_context(info).store.project(found.entity, found.project),
    "defaultArtifactType": resolve_default_type,
    "tags": lambda collection, _, **__: {"edges": [{"node": tag(name)} for name in collection.tags]},
    "aliases": resolve_aliases,
    "artifacts": resolve_versions,
    "artifactMembership": lambda collection, _, **arguments: collection.member(arguments["aliasName"]),
}

RESOLVERS: Mapping[str, Resolver] = {
    "Query.artifactCollection": resolve_by_id,
    "Project.artifactTypes": resolve_types,
    "Project.artifactType": resolve_type,
    "Project.artifactCollections": resolve_collections,
    "Project.artifactCollection": resolve_collection,
    "ArtifactType.createdAt": lambda kind, _: timestamp(kind.created_at),
    "ArtifactType.artifactCollections": resolve_of_type,
    "ArtifactType.artifactSequences": resolve_of_type,
    "ArtifactType.artifactCollection": resolve_one_of_type,
    "ArtifactType.artifactSequence": resolve_one_of_type,
    "ArtifactType.artifact": resolve_version_of_type,
    "ArtifactType.artifacts": resolve_versions_of_type,
    **{f"ArtifactSequence.{name}": resolver for name, resolver in OF_COLLECTION.items()},
    **{f"ArtifactPortfolio.{name}": resolver for name, resolver in OF_COLLECTION.items()},
    "ArtifactSequence.latestArtifact": resolve_latest,
    # While a sequence is empty it has no digests: the SDK then chooses the algorithm.
    "ArtifactSequence.digestAlgorithm": lambda found, _: found.digest_algorithm if found.members else None,
    "Mutation.updateArtifactSequence": resolve_update,
    "Mutation.updateArtifactPortfolio": resolve_update,
    "Mutation.moveArtifactSequence": resolve_move,
    "Mutation.deleteArtifactSequence": resolve_delete,
    "Mutation.deleteArtifactPortfolio": resolve_delete,
    "Mutation.createArtifactCollectionTagAssignments": resolve_add_tags,
    "Mutation.deleteArtifactCollectionTagAssignments": resolve_delete_tags,
}
