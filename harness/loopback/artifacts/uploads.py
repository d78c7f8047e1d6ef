"""Links that were given out for uploads, what came through them, and where each content is found again."""

from __future__ import annotations

import base64
import binascii
import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.loopback.artifacts.models import StoredArtifact, StoredManifest
from harness.loopback.blobs import Blob, Blobs
from harness.loopback.errors import ApiError, bad_request


def hex_digest(digest: str) -> str | None:
    """The hexadecimal form of a base64 digest, None where it is none: checksums of references have any form."""
    try:
        return base64.b64decode(digest, validate=True).hex() or None
    except (binascii.Error, ValueError):
        return None


@dataclass(eq=False)
class Upload:
    """One link: for a manifest, for a file, or for one part of a large file; `md5` is hexadecimal."""

    number: int
    name: str
    artifact: StoredArtifact
    md5: str | None = None
    manifest: StoredManifest | None = None
    part_of: str | None = None
    part: int = 0


@dataclass
class Multipart:
    """A large file on its way: the parts that have arrived."""

    md5: str
    parts: dict[int, Blob] = field(default_factory=dict)
    whole: Blob | None = None


class Uploads:
    """Every link of the server; contents are found by their MD5, since that is what manifests name."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._links: dict[int, Upload] = {}
        self._multiparts: dict[str, Multipart] = {}
        self._by_md5: dict[str, Blob] = {}

    def content(self, digest: str) -> Blob | None:
        """The content with a base64 digest."""
        return self.by_hex(hex_digest(digest) or "")

    def by_hex(self, md5: str) -> Blob | None:
        """The content with a hexadecimal MD5."""
        with self._lock:
            return self._by_md5.get(md5)

    def link(self, name: str, artifact: StoredArtifact, digest: str = "") -> Upload:
        """A link for a file."""
        return self._remember(Upload(next(self._numbers), name, artifact, hex_digest(digest)))

    def manifest_link(self, manifest: StoredManifest) -> Upload:
        """A link for a manifest."""
        expected = hex_digest(manifest.digest or "")
        return self._remember(Upload(next(self._numbers), "wandb_manifest.json", manifest.artifact, expected, manifest))

    def part_links(self, name: str, artifact: StoredArtifact, digest: str, parts: Mapping[int, str]) -> list[Upload]:
        """Links for the parts of a large file, given as hexadecimal MD5 by part number."""
        with self._lock:
            upload_id = f"upload-{next(self._numbers)}"
            self._multiparts[upload_id] = Multipart(hex_digest(digest) or "")
        return [
            self._remember(Upload(next(self._numbers), name, artifact, md5, part_of=upload_id, part=number))
            for number, md5 in parts.items()
        ]

    def _remember(self, upload: Upload) -> Upload:
        with self._lock:
            self._links[upload.number] = upload
            return upload

    def arrived(self, number: int, content: Blob) -> None:
        """Takes in what came through a link.

        Raises:
            ApiError: no such link (404), or it is not the content that was announced (400).
        """
        with self._lock:
            upload = self._links.get(number)
            if upload is None:
                raise ApiError("no such upload", 404)
            if upload.md5 is not None and upload.md5 != content.md5:
                raise bad_request(f"BadDigest: {upload.name}: the MD5 is not the one that was announced")
            if upload.manifest is not None:
                upload.manifest.content = content
            elif upload.part_of is not None:
                self._multiparts[upload.part_of].parts[upload.part] = content
            else:
                self._by_md5[content.md5] = content

    def complete(self, upload_id: str, parts: Sequence[int]) -> Blob:
        """Joins the parts of a large file; asked again, it is the same file.

        Each part was checked when it arrived; the digest of the whole is the announced one, as in an object store.

        Raises:
            ApiError: no such upload (404), or a part is missing (400).
        """
        with self._lock:
            found = self._multiparts.get(upload_id)
            if found is None:
                raise ApiError("no such upload", 404)
            missing = [number for number in parts if number not in found.parts]
            if missing or not parts:
                raise bad_request(f"part {missing[0] if missing else 1} has not arrived")
            whole = found.whole or self._blobs.joined([found.parts[number] for number in sorted(parts)], found.md5)
            self._by_md5[whole.md5] = found.whole = whole
            return whole

    def abort(self, upload_id: str) -> None:
        """Forgets the parts of a large file."""
        with self._lock:
            self._multiparts.pop(upload_id, None)
