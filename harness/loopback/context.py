"""What every resolver may use: the asking user, the store, the accounts, and the links that it hands out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.loopback.accounts import Access, Accounts, User
from harness.loopback.errors import entity_not_found, not_logged_in, permission_denied

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from harness.loopback.artifacts.store import Artifacts
    from harness.loopback.runs import StoredRun
    from harness.loopback.store import Store
    from harness.loopback.sweeps.store import Sweeps

    Info: TypeAlias = GraphQLResolveInfo[Any]

Resolver = Callable[..., Any]
DEFAULT_PROJECT = "uncategorized"


@dataclass(frozen=True)
class Links:
    """Signed links for upload and download, as an object store gives: whoever holds one needs no key."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def signature(self, path: str) -> str:
        """The signature that makes a path usable without a key."""
        return hmac.new(self.secret, path.encode(), hashlib.sha256).hexdigest()

    def valid(self, path: str, signature: str) -> bool:
        """Whether a signature belongs to a path."""
        return hmac.compare_digest(self.signature(path).encode(), signature.encode())


@dataclass(frozen=True)
class RequestContext:
    """One request: `user` is None where no key was sent; `base_url` is how the client reached this server."""

    store: Store
    accounts: Accounts
    artifacts: Artifacts
    sweeps: Sweeps
    links: Links
    base_url: str
    user: User | None
    features: tuple[str, ...]

    def require_user(self) -> User:
        """The asking user.

        Raises:
            ApiError: no key was sent (401).
        """
        if self.user is None:
            raise not_logged_in()
        return self.user

    def may_read(self, entity: str) -> bool:
        """Whether the asking user may see what belongs to an entity."""
        return self.user is not None and (self.accounts.open or self.user.may_use(entity))

    def readable(self, entity: str | None) -> str | None:
        """The entity to read from (the default one if none is named), None if there is no such entity.

        Raises:
            ApiError: no key (401), or the entity is closed to the user (403).
        """
        user = self.require_user()
        entity = entity or user.default_entity
        if self.accounts.open or user.may_use(entity):
            return entity
        if self.accounts.knows(entity):
            raise permission_denied()
        return None

    def writable(self, entity: str | None, mutation: str) -> str:
        """The entity to write to.

        Raises:
            ApiError: no key (401), no permission (403), no such entity (404).
        """
        user = self.require_user()
        entity = entity or user.default_entity
        access = self.accounts.access(user, entity)
        if access is Access.UNKNOWN:
            raise entity_not_found(entity, mutation)
        if access is Access.FORBIDDEN:
            raise permission_denied()
        return entity

    def file_url(self, run: StoredRun, name: str, *, signed: bool) -> str:
        """Where a file of a run is fetched from, or, signed, also sent to."""
        path = file_path(run.entity, run.project, run.name, name)
        tail = f"?signature={self.links.signature(path)}" if signed else ""
        return f"{self.base_url}{path}{tail}"


def file_path(*segments: str) -> str:
    """The path of a file: every segment escaped, except the slashes inside the file's own name."""
    *places, name = segments
    return "/files/" + "/".join([*(urllib.parse.quote(part, safe="") for part in places), urllib.parse.quote(name)])


def request_context(info: Info) -> RequestContext:
    """The context of the request that is being resolved."""
    context = info.context
    if not isinstance(context, RequestContext):
        raise TypeError("resolver called without a request")
    return context


def given(arguments: Mapping[str, Any], name: str) -> str | None:
    """A text argument, None where it is missing, null or empty."""
    value = arguments.get(name)
    return str(value) if value else None
