"""What the server keeps of artifacts: types, collections, the versions in them, and which run made or used which."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from harness.loopback.blobs import Blob
from harness.loopback.runs import storage_id

LATEST = "latest"
NO_TTL = -2
"""What the API answers where no time to live is set; -1 from a client means that it is inherited."""
INHERITED_TTL = -1
VERSION_NAME = re.compile(r"v\d+")

RunKey = tuple[str, str, str]
"""Entity, project and id of a run."""


@dataclass(eq=False)
class StoredType:
    """One type of artifacts in a project."""

    entity: str
    project: str
    name: str
    created_at: float
    description: str | None = None

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("ArtifactType", self.name, self.project, self.entity)


@dataclass(eq=False)
class Collection:
    """The versions under one name: a sequence holds what runs log, a portfolio what is linked into it."""

    number: int
    entity: str
    project: str
    name: str
    type_name: str
    created_at: float
    portfolio: bool = False
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    updated_at: float | None = None
    digest_algorithm: str = "MANIFEST_MD5"
    deleted: bool = False
    next_version: int = 0
    members: list[Membership] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("ArtifactCollection", str(self.number))

    @property
    def place(self) -> tuple[str, str, str]:
        """Entity, project and name."""
        return self.entity, self.project, self.name

    @property
    def state(self) -> str:
        """Whether it is still there."""
        return "DELETED" if self.deleted else "READY"

    def member(self, alias: str) -> Membership | None:
        """The version that an alias or `vN` stands for."""
        found = (m for m in self.members if alias in m.aliases or alias == f"v{m.version}")
        return next(found, None)

    def point(self, alias: str, target: Membership) -> None:
        """Makes an alias stand for one version and for no other; `vN` is no alias, and is ignored as W&B ignores it."""
        if VERSION_NAME.fullmatch(alias):
            return
        for member in self.members:
            if member is not target and alias in member.aliases:
                member.aliases.remove(alias)
        if alias not in target.aliases:
            target.aliases.append(alias)

    def remove(self, member: Membership) -> None:
        """Takes a version out; `latest` moves to the newest that is left."""
        self.members.remove(member)
        if LATEST in member.aliases and self.members:
            self.point(LATEST, self.members[-1])


@dataclass(eq=False)
class Membership:
    """One version in one collection, under its number and aliases there."""

    collection: Collection
    artifact: StoredArtifact
    version: int
    created_at: float
    aliases: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("ArtifactCollectionMembership", str(self.collection.number), str(self.version))


@dataclass(eq=False)
class StoredManifest:
    """One list of files: whole, or a part of it (`INCREMENTAL`, `PATCH`) that is joined at the commit."""

    number: int
    artifact: StoredArtifact
    kind: str = "FULL"
    base: str | None = None
    digest: str | None = None
    content: Blob | None = None

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("ArtifactManifest", str(self.number))


@dataclass(eq=False)
class StoredArtifact:
    """One version; `number` is its own on the whole server. It has a version in its sequence once it is committed."""

    number: int
    sequence: Collection
    digest: str
    created_at: float
    digest_algorithm: str = "MANIFEST_MD5"
    description: str | None = None
    metadata: str | None = None
    ttl_s: int = NO_TTL
    ttl_inherited: bool = True
    history_step: int | None = None
    tags: list[str] = field(default_factory=list)
    wanted_aliases: list[str] = field(default_factory=list)
    run: RunKey | None = None
    username: str = ""
    logged_by: list[RunKey] = field(default_factory=list)
    used_by: list[RunKey] = field(default_factory=list)
    client_ids: set[str] = field(default_factory=set)
    distributed_id: str | None = None
    state: str = "PENDING"
    version: int | None = None
    updated_at: float | None = None
    manifests: list[StoredManifest] = field(default_factory=list)
    manifest: Blob | None = None
    size: int = 0
    file_count: int = 0
    memberships: list[Membership] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The opaque id: valid base64, from which the SDK makes the addresses of references."""
        return storage_id("Artifact", str(self.number))

    @property
    def entity(self) -> str:
        """The entity of its sequence."""
        return self.sequence.entity

    @property
    def commit_hash(self) -> str:
        """20 hexadecimal digits that stand for this version and no other."""
        return hashlib.sha256(f"{self.digest}:{self.number}".encode()).hexdigest()[:20]

    def set_ttl(self, seconds: int | None) -> None:
        """Sets the time to live as a client says it; None says nothing."""
        if seconds is not None:
            self.ttl_inherited = seconds == INHERITED_TTL
            self.ttl_s = NO_TTL if seconds <= 0 else seconds
