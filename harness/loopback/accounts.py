"""Who may do what: API keys, users, teams, and entities that exist but are closed to them."""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
import secrets
from dataclasses import dataclass, field

DEFAULT_USER = "loopback-user"
DEFAULT_ENTITY = "loopback"
DEFAULT_TEAMS = ("loopback", "loopback-team")
FOREIGN_ENTITY = "someone-else"


def random_api_key() -> str:
    """A key in the classic form that every SDK accepts: 40 hexadecimal digits."""
    return secrets.token_hex(20)


class Access(enum.Enum):
    """What a user may do with an entity."""

    WRITE = "write"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class User:
    """One account; `teams` are the entities that it may write to, besides its own name."""

    username: str = DEFAULT_USER
    api_key: str = field(default_factory=random_api_key, repr=False)
    default_entity: str = DEFAULT_ENTITY
    teams: tuple[str, ...] = DEFAULT_TEAMS
    name: str = "Loopback User"
    email: str = "loopback-user@example.invalid"
    read_only: bool = False

    def may_use(self, entity: str) -> bool:
        """Whether the entity is the user's own or one of the user's teams."""
        return entity in (self.username, self.default_entity, *self.teams)


@dataclass(frozen=True)
class Accounts:
    """Every user of the server, and the entities that exist without belonging to any of them."""

    users: tuple[User, ...]
    foreign: tuple[str, ...] = (FOREIGN_ENTITY,)
    open: bool = False
    """Whether every entity is everybody's: for a job whose script names a team that only the real server knows."""

    @classmethod
    def default(cls, api_key: str | None = None) -> Accounts:
        """One user, `loopback-user`, in the teams `loopback` (default) and `loopback-team`."""
        return cls((User(api_key=api_key or random_api_key()),))

    def user_of(self, authorization: str | None) -> User | None:
        """The account behind an `Authorization` header, `Basic base64("api:KEY")`, or None."""
        scheme, _, value = (authorization or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            _, _, key = base64.b64decode(value, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return None
        # Compare against every key, so that the time taken tells nothing.
        found = [user for user in self.users if hmac.compare_digest(user.api_key.encode(), key)]
        return found[0] if found else None

    def knows(self, entity: str) -> bool:
        """Whether any account or closed entity has this name."""
        return self.open or entity in self.foreign or any(user.may_use(entity) for user in self.users)

    def access(self, user: User, entity: str) -> Access:
        """What the user may do with the entity."""
        if self.open or user.may_use(entity):
            return Access.FORBIDDEN if user.read_only else Access.WRITE
        return Access.FORBIDDEN if self.knows(entity) else Access.UNKNOWN
