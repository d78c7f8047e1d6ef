"""What goes over the wire: a request as it was read, a response as it will be sent, and the record of both."""

from __future__ import annotations

import functools
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.loopback.errors import ApiError, bad_request
from harness.loopback.jsontext import loads

MAX_JSON_BYTES = 64 * 2**20
MAX_FILE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Request:
    """One HTTP request; `path` is without prefix and query, still escaped; `body` as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    base_url: str = ""

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

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        """A JSON response."""
        # Compact, as the cloud writes it: SDKs print the bodies of refusals word for word.
        return cls(status, json.dumps(value, separators=(",", ":")).encode(), headers=headers or {})

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
