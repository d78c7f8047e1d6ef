"""HTTP/1.1 over sockets: reads requests within limits, lets faults happen, sends and records responses."""

from __future__ import annotations

import contextlib
import http
import json
import re
import select
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any

from harness.loopback.errors import ApiError, bad_request
from harness.loopback.faults import Fault, with_nulls, with_unknown_fields
from harness.loopback.http_server import HttpServer
from harness.loopback.messages import MAX_FILE_BYTES, MAX_JSON_BYTES, Request, RequestRecord, Response
from harness.loopback.wire import Wire, reset

IDLE_S = 300.0
SLOW_STEPS = 20
LONGEST_NUMBER = 20
LONGEST_PATH = 2000
NO_RESPONSE = 0
PIECE = 2**20
PLAIN_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")
WORDS = {
    401: "user is not logged in",
    403: "permission denied",
    404: "not found",
    409: "conflict",
    429: "rate limit exceeded",
    500: "internal server error",
}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    disable_nagle_algorithm = True
    server: HttpServer

    @property
    def wire(self) -> Wire:
        """What all connections share."""
        return self.server.wire

    def handle(self) -> None:
        """Serves requests until the connection ends."""
        with self.wire.open(self.connection), contextlib.suppress(ConnectionError, TimeoutError):
            # What was accepted before the end, and gets a thread after it, nobody else ends.
            if not self.server.closing.is_set():
                super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class named it
        """Requests are recorded, not logged."""

    def _serve(self) -> None:
        self._began = (time.time(), time.monotonic())
        self._operation: str | None = None
        self._size = 0
        path = urllib.parse.urlsplit(self.path).path
        try:
            request = self._read()
            self._operation, field = self.wire.application.operation(request)
            fault = self.wire.faults.take(
                operation=self._operation, path=path, user_agent=request.user_agent, method=request.method
            )
            self._answer(request, fault or Fault(), field)
        except ApiError as error:
            # The request was not read to its end, so nothing after it can be trusted.
            self.close_connection = True
            self._send(Response.of_json(error.status, {"error": error.message}))
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _remember(self, status: int) -> None:
        """Records the request: before the response goes out, so that whoever has the response finds the record."""
        at, started = self._began
        path, agent = urllib.parse.urlsplit(self.path).path[:LONGEST_PATH], self.headers.get("User-Agent", "")
        spent = time.monotonic() - started
        record = RequestRecord(self.command, path, self._operation, status, at, agent, self._size, spent)
        self.wire.remember(record)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - the base class wants these names

    # --- reading ---

    def _read(self) -> Request:
        url = urllib.parse.urlsplit(self.path)
        prefix = self.wire.prefix
        path = url.path
        if path.startswith(f"{prefix}/") or path == prefix:
            path = path[len(prefix) :] or "/"
        elif path not in ("/healthz", "/ready"):
            raise ApiError(f"no such path: {path[:200]}", http.HTTPStatus.NOT_FOUND)
        host = self.headers.get("Host", "")
        host = host if PLAIN_HOST.fullmatch(host) else self.server.authority
        sent = self._body(MAX_FILE_BYTES if self.command == "PUT" else MAX_JSON_BYTES)
        upload = self.wire.application.receive(path, sent) if self.command == "PUT" else None
        return Request(
            method=self.command,
            path=path,
            query=dict(urllib.parse.parse_qsl(url.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=b"".join(sent),
            base_url=f"{self.wire.scheme}://{host}{prefix}",
            upload=upload,
        )

    def _body(self, limit: int) -> Iterator[bytes]:
        """The body, in pieces."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            yield from self._chunks(limit)
            return
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < LONGEST_NUMBER):
            raise bad_request("bad Content-Length")
        if int(length) > limit:
            raise ApiError("request body too large", http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        left = int(length)
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise ConnectionError("the client left in the middle of its request")
            left -= len(piece)
            self._size += len(piece)
            yield piece

    def _chunks(self, limit: int) -> Iterator[bytes]:
        while True:
            try:
                size = int(self.rfile.readline(32).split(b";")[0], 16)
            except ValueError as error:
                raise bad_request("bad chunk") from error
            if size < 0 or self._size + size > limit:
                raise ApiError("request body too large", http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self._size += size
            yield self.rfile.read(size)
            self.rfile.readline(4096)
            if size == 0:
                return

    # --- answering ---

    def _answer(self, request: Request, fault: Fault, field: str | None) -> None:
        """Sends the response, or what the fault makes of it."""
        if fault.delay_s:
            self.wire.stopping.wait(fault.delay_s)
        if fault.hang or fault.reset == "before":
            self._remember(NO_RESPONSE)
            if fault.hang:
                self._wait_for_the_end()
            self._hang_up(hard=fault.reset == "before")
            return
        if fault.status is not None:
            response = refused(fault, field)
        elif fault.graphql_errors:
            errors = [{"message": message, "path": [field] if field else []} for message in fault.graphql_errors]
            response = Response.of_json(200, {"errors": errors, "data": None})
        elif fault.lose:
            response = Response.of_json(200, {})
        else:
            response = self.wire.application.respond(request)
        if fault.nulls or fault.unknown_fields:
            response = reshaped(response, fault)
        self._send(response, fault)

    def _send(self, response: Response, fault: Fault = Fault()) -> None:  # noqa: B008 - Fault is frozen
        self._remember(response.status)
        length = 0 if self.command == "HEAD" else response.length
        half = length // 2
        if fault.reset == "headers":
            self.wfile.write(self._head(response))
            self._hang_up(hard=True)
        elif fault.reset == "after" or fault.truncate:
            self._write(response, half)
            self._hang_up(hard=fault.reset == "after")
        elif fault.slow_s:
            self.wfile.write(self._head(response))
            step = max(1, length // SLOW_STEPS)
            for start in range(0, length, step):
                self.wire.stopping.wait(fault.slow_s / SLOW_STEPS)
                for piece in response.pieces(start, min(start + step, length)):
                    self.wfile.write(piece)
        else:
            self._write(response, length)

    def _write(self, response: Response, length: int) -> None:
        """Sends the head and the first bytes of the body, a small body in one packet with the head."""
        head = self._head(response)
        for piece in response.pieces(0, length):
            self.wfile.write(head + piece)
            head = b""
        if head:
            self.wfile.write(head)

    def _head(self, response: Response) -> bytes:
        phrase = http.HTTPStatus(response.status).phrase if response.status in set(http.HTTPStatus) else "Unknown"
        lines = [
            f"HTTP/1.1 {response.status} {phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {response.length}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
            *(["Connection: close"] if self.close_connection else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _hang_up(self, *, hard: bool) -> None:
        """Closes the connection now, in good order or with a reset."""
        self.close_connection = True
        if hard:
            reset(self.connection)
            self.rfile.close()
            self.connection.close()

    def _wait_for_the_end(self) -> None:
        """Waits until the client gives up or the server stops."""
        while not self.wire.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.2)
            if readable and not self.connection.recv(4096):
                return


def refused(fault: Fault, field: str | None) -> Response:
    """The response that a fault's status asks for, worded as W&B words it."""
    status = fault.status or http.HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    words = fault.message or WORDS.get(
        status, http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "error"
    )
    if fault.html:
        page = f"<html><head><title>{status} {words}</title></head><body><h1>{status} {words}</h1></body></html>\n"
        return Response(status, page.encode(), "text/html; charset=utf-8", headers)
    if field is None:
        return Response.of_json(status, {"error": words}, headers)
    code = {"extensions": {"code": "PERMISSION_ERROR"}} if status in (401, 403) else {}
    return Response.of_json(
        status, {"errors": [{"message": words, "path": [field], **code}], "data": {field: None}}, headers
    )


def reshaped(response: Response, fault: Fault) -> Response:
    """A JSON response with nulls or with fields that nobody knows; any other response as it is."""
    if response.content_type != "application/json" or not response.body:
        return response
    body = json.loads(response.body)
    body = with_nulls(body, fault.null_depth) if fault.nulls else body
    body = with_unknown_fields(body) if fault.unknown_fields else body
    return replace(response, body=json.dumps(body).encode())
