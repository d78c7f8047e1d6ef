"""Resolvers for users, entities, organizations and the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.loopback.accounts import User
from harness.loopback.context import RequestContext, Resolver, request_context
from harness.loopback.paging import connection
from harness.loopback.runs import storage_id

if TYPE_CHECKING:
    from harness.loopback.context import Info

# The SDK warns below or above these; the newest is far away so that no version is ever told to upgrade.
CLI_VERSIONS = {"min_cli_version": "0.8.0", "max_cli_version": "99.0.0"}
SERVER_VERSION = "0.80.0"


def entity(name: str, context: RequestContext) -> dict[str, Any]:
    """An entity; whoever is no user is a team."""
    is_team = all(user.username != name for user in context.accounts.users)
    people = [user for user in context.accounts.users if user.may_use(name)]
    return {
        "id": storage_id("Entity", name),
        "name": name,
        "photoUrl": None,
        "readOnlyAdmin": False,
        "privateOnly": False,
        "storageBytes": 0,
        "codeSavingEnabled": True,
        "isPaid": False,
        "members": [member(found, name, team=is_team) for found in people if is_team or found.username == name],
        "user": lambda _info: next((user(found, context) for found in people if found.username == name), None),
        "projects": lambda _info, **page: projects_of(name, page, context),
        "project": lambda _info, **asked: context.store.project(name, str(asked.get("name"))),
        "isTeam": is_team,
        "entityType": "team" if is_team else "user",
        "available": False,
        "readOnly": False,
        "defaultAccess": "PRIVATE",
        # The organization is there, its CoreWeave id is not: that is how an ordinary account answers.
        "organization": organization(name),
        "xxhashDigestsEnabled": False,
    }


def projects_of(owner: str, page: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
    """One page of the projects of an entity, newest first."""
    found = [project for project in reversed(context.store.projects()) if project.entity == owner]
    return connection(found, page.get("first"), page.get("after"), lambda project: project.name)


def organization(name: str) -> dict[str, Any]:
    """The organization of an entity, which is its own here; it has no registries, so it has no entity for them."""
    shown = {"id": storage_id("Organization", name), "name": name}
    return {**shown, "coreWeaveOrganizationId": None, "orgEntity": None, "featureFlags": []}


def member(account: User, entity_name: str, *, team: bool) -> dict[str, Any]:
    """A member of a team, or the user of an own entity, as the API shows one; the key is never among the fields."""
    return {
        "id": storage_id("Member", entity_name, account.username),
        "admin": False,
        "role": "member",
        "pending": False,
        "email": account.email,
        "username": account.username,
        "name": account.name,
        "photoUrl": None,
        "accountType": "MEMBER" if team else "USER",
        "apiKey": None,
    }


def user(account: User, context: RequestContext) -> dict[str, Any]:
    """A user as the API shows one; the key itself is never among the fields."""
    teams = [{"node": entity(name, context)} for name in account.teams]
    key = {"id": storage_id("ApiKey", account.username), "name": f"key of {account.username}", "description": None}
    return {
        "id": storage_id("User", account.username),
        "name": account.name,
        "username": account.username,
        "email": account.email,
        "admin": False,
        "flags": "{}",
        "entity": account.default_entity,
        "defaultEntity": entity(account.default_entity, context),
        "photoUrl": None,
        "deletedAt": None,
        "apiKeys": {"edges": [{"node": key}]},
        "teams": {"edges": teams},
        "organizations": [],
    }


def resolve_viewer(_: object, info: Info) -> dict[str, Any] | None:
    """The asking user; nobody where no key was sent."""
    context = request_context(info)
    return user(context.user, context) if context.user else None


def resolve_user(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """A user by name."""
    context = request_context(info)
    context.require_user()
    found = [account for account in context.accounts.users if account.username == arguments.get("userName")]
    return user(found[0], context) if found else None


def resolve_users(_: object, info: Info, **arguments: Any) -> dict[str, Any]:
    """Users whose name or address holds the query."""
    context = request_context(info)
    context.require_user()
    query = str(arguments.get("query") or "")
    found = [account for account in context.accounts.users if query in account.username or query in account.email]
    return {"edges": [{"node": user(account, context)} for account in found]}


def resolve_entity(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """An entity that the user may read, else null."""
    context = request_context(info)
    name = context.readable(arguments.get("name"))
    return entity(name, context) if name else None


def resolve_organization(_: object, info: Info, **arguments: Any) -> dict[str, Any] | None:
    """The organization of an entity: here each entity is its own."""
    found = resolve_entity(_, info, name=arguments.get("name"))
    return found["organization"] if found else None


def resolve_server_info(_: object, info: Info) -> dict[str, Any]:
    """Versions and optional features of the server."""
    features = [{"name": name, "isEnabled": True} for name in request_context(info).features]
    return {
        "cliVersionInfo": CLI_VERSIONS,
        "latestLocalVersionInfo": {
            "outOfDate": False,
            "latestVersionString": SERVER_VERSION,
            "versionOnThisInstanceString": SERVER_VERSION,
        },
        "features": features,
    }


RESOLVERS: Mapping[str, Resolver] = {
    "Query.viewer": resolve_viewer,
    "Query.user": resolve_user,
    "Query.users": resolve_users,
    "Query.entity": resolve_entity,
    "Query.organization": resolve_organization,
    "Query.serverInfo": resolve_server_info,
}
