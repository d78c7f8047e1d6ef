"""Artifacts, as far as a job that logs one needs them: they are accepted and listed, their content is not kept."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from harness.loopback.runs import storage_id


@dataclass(frozen=True)
class StoredArtifact:
    """One version of an artifact; `run` is the id of the run that logged it, if one did."""

    number: int
    entity: str
    project: str
    type_name: str
    collection: str
    digest: str
    version: int
    run: str | None = None
    client_id: str | None = None
    state: str = "PENDING"

    @property
    def id(self) -> str:
        """The opaque id."""
        return storage_id("Artifact", str(self.number))

    @property
    def manifest_id(self) -> str:
        """The opaque id of the manifest."""
        return storage_id("ArtifactManifest", str(self.number))


@dataclass
class Artifacts:
    """Every artifact of the server."""

    _all: dict[str, StoredArtifact] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def all(self) -> list[StoredArtifact]:
        """Every version, oldest first."""
        with self._lock:
            return list(self._all.values())

    def get(self, identifier: str) -> StoredArtifact | None:
        """One version by its id or by the id of its manifest."""
        with self._lock:
            by_manifest = (found for found in self._all.values() if found.manifest_id == identifier)
            return self._all.get(identifier) or next(by_manifest, None)

    def by_client_id(self, client_id: str) -> StoredArtifact | None:
        """One version by the id that the SDK made up before it knew ours."""
        with self._lock:
            return next((found for found in self._all.values() if found.client_id == client_id), None)

    def named(self, entity: str, project: str, name: str) -> StoredArtifact | None:
        """One version by `COLLECTION`, `COLLECTION:latest` or `COLLECTION:vN`."""
        collection, _, alias = name.partition(":")
        with self._lock:
            places = (entity, project, collection)
            same = [f for f in self._all.values() if (f.entity, f.project, f.collection) == places]
        found = [f for f in same if alias in ("", "latest", f"v{f.version}")]
        return found[-1] if found else None

    def latest(self, artifact: StoredArtifact) -> StoredArtifact | None:
        """The newest committed version of the same collection."""
        with self._lock:
            same = [found for found in self._all.values() if _collection(found) == _collection(artifact)]
        committed = [found for found in same if found.state == "COMMITTED"]
        return committed[-1] if committed else None

    def create(
        self,
        entity: str,
        project: str,
        *,
        type_name: str,
        collection: str,
        digest: str,
        run: str | None = None,
        client_id: str | None = None,
    ) -> StoredArtifact:
        """A new version, pending until it is committed; the same content again is the version that is there."""
        with self._lock:
            wanted = (entity, project, type_name, collection)
            same = [found for found in self._all.values() if _collection(found) == wanted]
            for found in same:
                if found.digest == digest and found.state == "COMMITTED":
                    return found
            made = StoredArtifact(
                len(self._all) + 1, entity, project, type_name, collection, digest, len(same), run, client_id
            )
            self._all[made.id] = made
            return made

    def commit(self, artifact: StoredArtifact) -> StoredArtifact:
        """The same version, complete."""
        with self._lock:
            self._all[artifact.id] = replace(artifact, state="COMMITTED")
            return self._all[artifact.id]


def _collection(artifact: StoredArtifact) -> tuple[str, str, str, str]:
    return artifact.entity, artifact.project, artifact.type_name, artifact.collection
