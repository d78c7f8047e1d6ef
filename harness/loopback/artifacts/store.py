"""Every artifact of the server: collections by name, versions by id, and how versions are made, linked and deleted."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.loopback.artifacts import manifests
from harness.loopback.artifacts.models import (
    LATEST,
    Collection,
    Membership,
    RunKey,
    StoredArtifact,
    StoredManifest,
    StoredType,
)
from harness.loopback.artifacts.uploads import Uploads
from harness.loopback.blobs import Blobs
from harness.loopback.errors import ApiError, bad_request

Place = tuple[str, str, str]


class Artifacts:
    """Every artifact; each method is safe to call from any thread. It lives as long as the server does."""

    def __init__(self, blobs: Blobs | None = None, clock: Callable[[], float] = time.time) -> None:
        self.lock = threading.RLock()
        self._blobs = blobs or Blobs()
        self.uploads = Uploads(self._blobs)
        self._clock = clock
        self._numbers = itertools.count(1)
        self._types: dict[Place, StoredType] = {}
        self._collections: dict[Place, Collection] = {}
        self._by_id: dict[str, StoredArtifact] = {}
        self._manifests: dict[str, StoredManifest] = {}
        self._client_ids: dict[str, StoredArtifact] = {}

    # --- reading ---

    def all(self) -> list[StoredArtifact]:
        """Every version, oldest first."""
        with self.lock:
            return list(self._by_id.values())

    def get(self, identifier: str) -> StoredArtifact | None:
        """One version by its id."""
        with self.lock:
            return self._by_id.get(identifier)

    def manifest(self, identifier: str) -> StoredManifest | None:
        """One manifest by its id."""
        with self.lock:
            return self._manifests.get(identifier)

    def by_client_id(self, client_id: str) -> StoredArtifact | None:
        """One version by the id that the SDK made up before it knew ours."""
        with self.lock:
            return self._client_ids.get(client_id)

    def types(self, entity: str, project: str) -> list[StoredType]:
        """The types of a project, oldest first."""
        with self.lock:
            return [found for found in self._types.values() if (found.entity, found.project) == (entity, project)]

    def collections(self, entity: str, project: str | None = None) -> list[Collection]:
        """The collections of a project, or of all projects of an entity, oldest first."""
        with self.lock:
            found = self._collections.values()
            return [c for c in found if not c.deleted and c.entity == entity and project in (None, c.project)]

    def collection(self, entity: str, project: str, name: str) -> Collection | None:
        """One collection by name."""
        with self.lock:
            return self._collections.get((entity, project, name))

    def collection_by_id(self, identifier: str) -> Collection | None:
        """One collection by its id."""
        with self.lock:
            return next((c for c in self._collections.values() if c.id == identifier), None)

    def named(self, entity: str, project: str, name: str) -> Membership | None:
        """One version by `COLLECTION`, `COLLECTION:ALIAS` or `COLLECTION:vN`."""
        collection, _, alias = name.partition(":")
        with self.lock:
            found = self._collections.get((entity, project, collection))
            return found.member(alias or LATEST) if found else None

    def logged_by(self, run: RunKey) -> list[StoredArtifact]:
        """The committed versions that a run logged."""
        with self.lock:
            return [a for a in self._by_id.values() if run in a.logged_by and a.state == "COMMITTED"]

    def used_by(self, run: RunKey) -> list[StoredArtifact]:
        """The versions that a run used."""
        with self.lock:
            return [a for a in self._by_id.values() if run in a.used_by]

    def entries(self, artifact: StoredArtifact) -> list[manifests.Entry]:
        """The files of a committed version, by path."""
        return manifests.entries(manifests.read(artifact.manifest)) if artifact.manifest else []

    # --- types and collections ---

    def ensure_type(self, entity: str, project: str, name: str, description: str | None = None) -> StoredType:
        """The type, made now if it is new."""
        with self.lock:
            made = StoredType(entity, project, name, self._clock(), description)
            return self._types.setdefault((entity, project, name), made)

    def ensure_collection(
        self, entity: str, project: str, name: str, type_name: str, *, portfolio: bool = False
    ) -> Collection:
        """The collection, made now if it is new.

        Raises:
            ApiError: there is one of another type or kind (409).
        """
        with self.lock:
            self.ensure_type(entity, project, type_name)
            found = self._collections.get((entity, project, name))
            if found is None:
                number, at = next(self._numbers), self._clock()
                found = Collection(number, entity, project, name, type_name, at, portfolio=portfolio)
                self._collections[found.place] = found
            if found.type_name != type_name or found.portfolio != portfolio:
                kind = "portfolio" if found.portfolio else "sequence"
                raise ApiError(f"artifact {kind} {name!r} already exists with type {found.type_name!r}", 409)
            return found

    def rename(self, collection: Collection, name: str | None, description: str | None) -> None:
        """Changes name and description.

        Raises:
            ApiError: the name is taken (409).
        """
        with self.lock:
            if name is not None and name != collection.name:
                place = (collection.entity, collection.project, name)
                if place in self._collections:
                    raise ApiError(f"artifact collection {name!r} already exists", 409)
                del self._collections[collection.place]
                collection.name = name
                self._collections[place] = collection
            if description is not None:
                collection.description = description
            collection.updated_at = self._clock()

    def move(self, collection: Collection, type_name: str) -> None:
        """Gives a sequence another type."""
        with self.lock:
            self.ensure_type(collection.entity, collection.project, type_name)
            collection.type_name = type_name
            collection.updated_at = self._clock()

    def delete_collection(self, collection: Collection) -> None:
        """Deletes a collection; a sequence takes its versions with it."""
        with self.lock:
            collection.deleted = True
            self._collections.pop(collection.place, None)
            for member in list(collection.members):
                if collection.portfolio:
                    self.unlink(member)
                else:
                    self.delete(member.artifact)

    # --- versions ---

    def create(
        self,
        collection: Collection,
        fields: Mapping[str, Any],
        aliases: Iterable[str],
        run: RunKey | None,
        username: str,
    ) -> StoredArtifact:
        """A new version, pending until its commit; what has the same digest, or the same distributed id, is it again.

        `fields` are those of `CreateArtifactInput`.
        """
        with self.lock:
            found = self._same(collection, fields) or self._new(collection, fields, username)
            if fields.get("clientID"):
                found.client_ids.add(fields["clientID"])
                self._client_ids[fields["clientID"]] = found
            if run is not None:
                found.run = found.run or run
                _add(found.logged_by, [run])
            _add(found.wanted_aliases, aliases)
            _add(found.tags, [tag["tagName"] for tag in fields.get("tags") or ()])
            if found.state == "COMMITTED":
                self._point(found)
            return found

    def _same(self, collection: Collection, fields: Mapping[str, Any]) -> StoredArtifact | None:
        distributed = fields.get("distributedID")
        for found in self._by_id.values():
            if found.sequence is not collection:
                continue
            if distributed and found.distributed_id == distributed:
                return found
            if found.state == "COMMITTED" and found.digest == fields["digest"] and not distributed:
                return found
        return None

    def _new(self, collection: Collection, fields: Mapping[str, Any], username: str) -> StoredArtifact:
        made = StoredArtifact(
            next(self._numbers),
            collection,
            fields["digest"],
            self._clock(),
            digest_algorithm=fields.get("digestAlgorithm") or "MANIFEST_MD5",
            description=fields.get("description"),
            metadata=fields.get("metadata"),
            history_step=fields.get("historyStep"),
            username=username,
            distributed_id=fields.get("distributedID"),
        )
        made.set_ttl(fields.get("ttlDurationSeconds"))
        self._by_id[made.id] = made
        return made

    def add_manifest(self, artifact: StoredArtifact, kind: str, base: str | None, digest: str | None) -> StoredManifest:
        """A new manifest of a version, without content yet."""
        with self.lock:
            made = StoredManifest(next(self._numbers), artifact, kind, base, digest)
            artifact.manifests.append(made)
            self._manifests[made.id] = made
            return made

    def commit(self, artifact: StoredArtifact) -> None:
        """Completes a version: joins its manifests, numbers it, and makes `latest` and its aliases stand for it.

        Raises:
            ApiError: no manifest has arrived, or one cannot be read, or a file of it has not arrived (400).
        """
        with self.lock:
            if artifact.state == "COMMITTED":
                return
            arrived = [m for m in artifact.manifests if m.content is not None]
            if not arrived:
                raise bad_request("the manifest has not arrived")
            artifact.manifest = self._whole(arrived)
            listed = self.entries(artifact)
            artifact.size, artifact.file_count = sum(entry.size for entry in listed), len(listed)
            artifact.state = "COMMITTED"
            member = self._join(artifact.sequence, artifact)
            artifact.version = member.version
            self._point(artifact)

    def _whole(self, arrived: list[StoredManifest]) -> Any:
        """The manifest of a version: the last one that is whole, or all parts on top of what they build on."""
        last = arrived[-1]
        if last.kind == "FULL" and last.content is not None:
            return last.content
        parts = [manifests.read(m.content) for m in arrived if m.content is not None]
        base = self._by_id.get(last.base or "") if last.kind == "INCREMENTAL" else None
        if base is not None and base.manifest is not None:
            parts.insert(0, manifests.read(base.manifest))
        return self._blobs.of(manifests.joined(parts))

    def _join(self, collection: Collection, artifact: StoredArtifact) -> Membership:
        """The place of a version in a collection, a new one if it is not in it yet."""
        found = next((m for m in collection.members if m.artifact is artifact), None)
        if found is None:
            found = Membership(collection, artifact, collection.next_version, self._clock())
            collection.next_version += 1
            collection.members.append(found)
            artifact.memberships.append(found)
        return found

    def _point(self, artifact: StoredArtifact) -> None:
        """Makes the wanted aliases, and `latest`, stand for a version in its sequence."""
        member = self._join(artifact.sequence, artifact)
        newest = member.version == artifact.sequence.next_version - 1
        for alias in [*([LATEST] if newest else []), *artifact.wanted_aliases]:
            artifact.sequence.point(alias, member)
        artifact.wanted_aliases = []

    def update(self, artifact: StoredArtifact, fields: Mapping[str, Any]) -> None:
        """Changes what `UpdateArtifactInput` names; null says nothing."""
        with self.lock:
            for name in ("description", "metadata"):
                if fields.get(name) is not None:
                    setattr(artifact, name, fields[name])
            artifact.set_ttl(fields.get("ttlDurationSeconds"))
            _add(artifact.tags, [tag["tagName"] for tag in fields.get("tagsToAdd") or ()])
            gone = {tag["tagName"] for tag in fields.get("tagsToDelete") or ()}
            artifact.tags = [tag for tag in artifact.tags if tag not in gone]
            if fields.get("aliases") is not None:
                self._replace_aliases(artifact, [given["alias"] for given in fields["aliases"]])
            artifact.updated_at = self._clock()

    def _replace_aliases(self, artifact: StoredArtifact, aliases: list[str]) -> None:
        member = self._join(artifact.sequence, artifact)
        member.aliases = [alias for alias in member.aliases if alias in aliases]
        for alias in aliases:
            artifact.sequence.point(alias, member)

    def use(self, artifact: StoredArtifact, run: RunKey) -> None:
        """Notes that a run used a version."""
        with self.lock:
            _add(artifact.used_by, [run])

    def link(self, artifact: StoredArtifact, portfolio: Collection, aliases: Iterable[str]) -> Membership:
        """Puts a version into a portfolio, where it is `latest`."""
        with self.lock:
            member = self._join(portfolio, artifact)
            for alias in [LATEST, *aliases]:
                portfolio.point(alias, member)
            return member

    def unlink(self, member: Membership) -> None:
        """Takes a version out of a collection."""
        with self.lock:
            member.collection.remove(member)
            member.artifact.memberships.remove(member)

    def point(self, member: Membership, alias: str) -> None:
        """Makes an alias stand for a version."""
        with self.lock:
            member.collection.point(alias, member)

    def drop_alias(self, member: Membership, alias: str) -> None:
        """Takes an alias away."""
        with self.lock:
            if alias in member.aliases:
                member.aliases.remove(alias)

    def delete(self, artifact: StoredArtifact) -> None:
        """Deletes a version for good: from every collection, and its digest may be logged anew."""
        with self.lock:
            artifact.state = "DELETED"
            for member in list(artifact.memberships):
                self.unlink(member)


def _add(known: list[Any], more: Iterable[Any]) -> None:
    """Adds what is not in the list yet."""
    known.extend(item for item in dict.fromkeys(more) if item not in known)
