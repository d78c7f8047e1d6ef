"""What the server says about the key's owner and about the project that runs will go to."""

from __future__ import annotations

from typing import Literal

from harness.evidence.models.base import JsonValue, Trouble
from harness.evidence.models.setup import Viewer
from harness.evidence.network.graphql import Answer

Access = Literal["writable", "read_only", "no_such_entity", "forbidden", "unknown"]

VIEWER_QUERY = """query Viewer {
  viewer { id username entity admin teams { edges { node { name } } } }
}"""
"""The fields of the SDK's own viewer query (core/api/graphql/query_viewer.graphql), and `admin` of its public API."""

PROJECT_QUERY = """query HarnessProject($entity: String!, $project: String!) {
  entity(name: $entity) { name available readOnly }
  project(name: $project, entityName: $entity) { name readOnly }
  serverInfo { latestLocalVersionInfo { versionOnThisInstanceString } }
}"""
ENTITY_QUERY = """query HarnessEntity($entity: String!) {
  entity(name: $entity) { name available readOnly }
  serverInfo { latestLocalVersionInfo { versionOnThisInstanceString } }
}"""
"""Fields that the SDK's public API asks for as well (apis/_generated/operations.py, query_server_info.graphql)."""


def viewer_of(data: dict[str, JsonValue]) -> Viewer | Trouble:
    """The owner of the key, or why there is none."""
    found = data.get("viewer")
    if found is None:
        return Trouble(kind="auth", text="the server knows no user for this key")
    username = found.get("username") if isinstance(found, dict) else None
    if not isinstance(username, str) or not username:
        return Trouble(kind="protocol", text="the answer about the key's owner has no user name")
    entity = found.get("entity")
    teams = [_in(edge, "node", "name") for edge in _list(_in(found, "teams", "edges"))]
    return Viewer(
        username=username,
        entity=entity if isinstance(entity, str) and entity else None,
        teams=tuple(name for name in teams if isinstance(name, str)),
        admin=found.get("admin") is True,
    )


def access_of(viewer: Viewer, entity: str, answer: Answer) -> Access:
    """Whether the viewer may write runs to the entity's project.

    Membership gives the right to write, unless the server calls the project or the entity read-only. Nobody but a
    member, or whoever a project is open to, may write; an administrator is not judged by membership. An older server
    that does not know a field refuses the query as a whole, which leaves membership.
    """
    data, trouble = answer.data, answer.trouble
    if entity in {viewer.username, viewer.entity, *viewer.teams}:
        if True in {_in(data.get("project"), "readOnly"), _in(data.get("entity"), "readOnly")}:
            return "read_only"
        not_understood = answer.http_ok and trouble is not None and trouble.kind == "protocol"
        return "writable" if trouble is None or not_understood else "unknown"
    if trouble is not None:
        return "forbidden" if trouble.kind == "permission" and not viewer.admin else "unknown"
    if "entity" not in data:
        return "unknown"
    if data["entity"] is None or _in(data["entity"], "available") is True:
        return "no_such_entity"
    if _in(data.get("project"), "readOnly") is False:
        return "writable"
    return "unknown" if viewer.admin else "forbidden"


def server_version(data: dict[str, JsonValue]) -> str | None:
    """The version that a self-hosted server gives of itself."""
    found = _in(data.get("serverInfo"), "latestLocalVersionInfo", "versionOnThisInstanceString")
    return found if isinstance(found, str) else None


def _in(value: JsonValue, *keys: str) -> JsonValue:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
