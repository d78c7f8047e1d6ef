"""A loopback server without a socket: each request passes through the handler and all behind it, in this process."""

from __future__ import annotations

import base64
import io
import itertools
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from harness.loopback.accounts import Accounts
from harness.loopback.blobs import Blobs
from harness.loopback.handler import Handler
from harness.loopback.journal import FolderJournal
from harness.loopback.routes import Application
from harness.loopback.store import Store
from harness.loopback.wire import Wire
from lab.storm.recorded_requests import KEY, LINKS, Recorded, counted_names

AUTHORIZATION = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
# Neither the key nor what carries it may ever be in an answer.
SECRETS = (KEY.encode(), AUTHORIZATION.split()[1].encode(), LINKS.secret)
BEGAN = 1_790_000_000.0


class Line(io.BytesIO):
    """What stands in for a connection: it has been sent one request, and keeps what comes back."""

    def __init__(self, request: bytes) -> None:
        super().__init__(request)
        self.answer = bytearray()

    def makefile(self, *_: Any) -> io.BytesIO:
        return self

    def sendall(self, data: bytes) -> None:
        self.answer += data

    def settimeout(self, _: float | None) -> None:
        """Nothing here waits."""

    def setsockopt(self, *_: Any) -> None:
        """There is no socket."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:500]!r}"

    @property
    def json(self) -> Any:
        """The body, as strict JSON."""
        return json.loads(self.body.decode("utf-8"), parse_constant=_no_json)


def _no_json(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} in an answer, which is no JSON")


class Unplugged:
    """One server over a folder; its clock moves a millisecond each time that it is read."""

    authority = "127.0.0.1:1"

    def __init__(self, folder: Path) -> None:
        self._journal = FolderJournal(folder)
        ticks = itertools.count()
        self.store = Store(clock=lambda: BEGAN + next(ticks) / 1000, blobs=self._journal.blobs)
        self._journal.replay(self.store)
        self.store.journal = self._journal
        self._blobs = Blobs()
        self.application = Application.over(Accounts.default(KEY), self.store, self._blobs)
        self.application.links = LINKS
        self.wire = Wire(self.application, "")
        self.closing = threading.Event()

    def close(self) -> None:
        """Let the folder go."""
        self._journal.close()
        self._blobs.close()

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to one request.

        Raises:
            AssertionError: it is no answer of HTTP.
        """
        sent = {"Host": self.authority, "Authorization": AUTHORIZATION, "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**sent, **(headers or {})}.items())]
        line = Line("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        Handler(line, ("127.0.0.1", 1), self)  # type: ignore[arg-type]
        head, found, content = bytes(line.answer).partition(b"\r\n\r\n")
        assert found, f"no answer: {head[:200]!r}"
        first, *rest = head.decode("latin-1").split("\r\n")
        names = dict(entry.split(": ", 1) for entry in rest)
        assert int(names["Content-Length"]) == len(content), "more or fewer bytes than announced"
        return Answer(int(first.split()[1]), names, content)

    def graphql(self, query: str, **variables: Any) -> Any:
        """The data of a GraphQL request that must succeed."""
        answer = self.ask("POST", "/graphql", json.dumps({"query": query, "variables": variables}).encode())
        assert answer.status == 200, answer
        assert "errors" not in answer.json, str(answer.json["errors"])[:500]
        return answer.json["data"]

    def play(self, requests: Iterable[Recorded]) -> None:
        """Let the recorded job happen again, so that what it names is there; what only reads is left out."""
        with counted_names():
            for request in (request for request in requests if request.changes):
                query = "?" + "&".join(f"{k}={v}" for k, v in request.query.items()) if request.query else ""
                plain = request.body if isinstance(request.body, str) else json.dumps(request.body)
                self.ask(request.method, request.path + query, plain.encode())


def kept(store: Store) -> list[dict[str, Any]]:
    """Everything that a store keeps of its runs, to compare two of them."""
    return [
        {
            "path": run.path, "name": run.display_name, "config": run.raw_config, "summary": run.summary,
            "fields": run.fields, "tags": run.tags, "state": run.recorded_state, "exit": run.exit_code,
            "history": [run.rows.line(number) for number in range(len(run.rows))],
            "events": [run.event_rows.line(number) for number in range(len(run.event_rows))],
            "console": run.console_log.lines(0, len(run.console_log)), "metrics": run.system_metrics,
            "stopped": run.stop_requested, "begun": run.created_at, "seen": run.heartbeat_at,
        }
        for run in store.runs()
    ]  # fmt: skip
