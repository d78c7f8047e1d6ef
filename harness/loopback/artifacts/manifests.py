"""Manifests: the JSON list of an artifact's files, read, and joined from its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.loopback.blobs import Blob
from harness.loopback.errors import bad_request
from harness.loopback.jsontext import loads_object


@dataclass(frozen=True)
class Entry:
    """One file: base64 MD5 (or, for a reference, whatever its store calls a checksum), size in bytes."""

    path: str
    digest: str
    size: int
    reference: str | None = None


def read(content: Blob) -> dict[str, Any]:
    """The manifest in a blob.

    Raises:
        ApiError: it is no manifest (400).
    """
    try:
        found = loads_object(content.read())
    except ValueError as error:
        raise bad_request(f"manifest cannot be read: {error}") from error
    if not isinstance(found.get("contents"), Mapping):
        raise bad_request("manifest cannot be read: no contents")
    return found


def entries(manifest: Mapping[str, Any]) -> list[Entry]:
    """The files of a manifest, by path."""
    return [
        Entry(path, str(entry.get("digest", "")), int(entry.get("size") or 0), entry.get("ref"))
        for path, entry in sorted(manifest["contents"].items())
    ]


def joined(parts: Sequence[Mapping[str, Any]]) -> bytes:
    """One manifest of several: a later one adds its files to those of the earlier ones."""
    contents: dict[str, Any] = {}
    for part in parts:
        contents.update(part["contents"])
    return json.dumps({**parts[-1], "contents": contents}, sort_keys=True).encode()
