"""What goes over the wire: a request as it was read, a response as it will be sent, and the record of both."""

from __future__ import annotations

import functools
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.loopback.blobs import Blob
from harness.loopback.errors import ApiError, bad_request
from harness.loopback.jsontext import loads, strict

MAX_JSON_BYTES = 64 * 2**20
RANGE = re.compile(r"bytes=(\d+)-(\d*)")
MAX_FILE_BYTES = 64 * 2**30


@dataclass(frozen=True)
class Request:
    """One HTTP request; `path` is without prefix and query, still escaped; `body` as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    base_url: str = ""
    upload: Blob | None = field(default=None, repr=False)
    """What a PUT brought."""

    @property
    def user_agent(self) -> str:
        """The User-Agent header."""
        return self.headers.get("user-agent", "")

    @functools.cached_property
    def json(self) -> Any:
        """The body as JSON, unpacked if it is gzip; read once.

        Raises:
            ApiError: it is no JSON (400), or larger than the limit once unpacked (413).
        """
        try:
            return loads(self._unpacked())
        except (ValueError, OSError, EOFError, zlib.error) as error:
            raise bad_request(f"request body cannot be read: {error}") from error

    def _unpacked(self) -> bytes:
        if self.headers.get("content-encoding", "").lower() != "gzip":
            return self.body
        with gzip.GzipFile(fileobj=io.BytesIO(self.body)) as packed:
            text = packed.read(MAX_JSON_BYTES + 1)
        if len(text) > MAX_JSON_BYTES:
            raise ApiError("request body too large", 413)
        return text


@dataclass(frozen=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes = field(repr=False, default=b"")
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    blob: Blob | None = field(repr=False, default=None)
    """What is sent in place of the body, from `start` on to before `end`."""
    start: int = 0
    end: int = 0

    @property
    def length(self) -> int:
        """How many bytes are sent."""
        return len(self.body) if self.blob is None else self.end - self.start

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """A stretch of what is sent, counted from its first byte."""
        if self.blob is None:
            return iter((self.body[start:end],))
        return self.blob.pieces(self.start + start, self.start + end)

    @classmethod
    def of_blob(cls, blob: Blob, mimetype: str, wanted: str | None = None) -> Response:
        """A content, or the range of it that a `Range` header wants: the first one of the form `bytes=A-B`."""
        headers = {"ETag": f'"{blob.md5_base64}"', "Accept-Ranges": "bytes"}
        found = RANGE.fullmatch(wanted or "")
        if found is None:
            return cls(200, b"", mimetype, headers, blob, 0, blob.size)
        start = int(found[1])
        end = min(blob.size, int(found[2]) + 1 if found[2] else blob.size)
        if start >= end:
            return cls(416, b"", mimetype, {"Content-Range": f"bytes */{blob.size}"})
        return cls(
            206, b"", mimetype, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{blob.size}"}, blob, start, end
        )

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A JSON response."""
        # Compact, as the cloud writes it: SDKs print the bodies of refusals word for word.
        try:
            text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        except ValueError:  # a number such as 1e999 that a client sent as JSON
            text = json.dumps(strict(value), separators=(",", ":"))
        return cls(status, text.encode(), headers=headers or {})

    @classmethod
    def of_text(cls, status: int, text: str) -> Response:
        """A plain text response."""
        return cls(status, text.encode(), "text/plain; charset=utf-8")


@dataclass(frozen=True)
class RequestRecord:
    """What is remembered of a request: enough for tests and never a secret (no header, no query, no body).

    `status` 0 means that no response was sent; `at` is seconds since the epoch, `body_bytes` the size of the request.
    """

    method: str
    path: str
    operation: str | None
    status: int
    at: float
    user_agent: str
    body_bytes: int
    duration_s: float
