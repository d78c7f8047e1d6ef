"""The embedded server, and beside it the small service by which wandb's tests make users and teams."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.loopback.accounts import User
from harness.loopback.server import LoopbackServer


@dataclass
class Backend:
    """Both addresses, and the server to look at."""

    server: LoopbackServer
    fixture_port: int

    def connection(self) -> str:
        """What wandb's tool prints of its container."""
        return json.dumps({"base_port": self.server.port, "fixture_port": self.fixture_port})


class Directory:
    """Users of the server, made and changed as the tests ask; a key is the name of its user."""

    def __init__(self, server: LoopbackServer) -> None:
        self._server = server
        self._lock = threading.Lock()

    def obey(self, path: str, asked: dict[str, Any]) -> None:
        """Carries out one command; organizations are not kept, since the server has none."""
        name = asked.get("username")
        if asked.get("command") != "up" or not name:
            return
        with self._lock:
            accounts = self._server.application.accounts
            known = {user.username: user for user in accounts.users}
            found = known.get(name) or User(name, name, name, (name,), name, f"{name}@example.invalid")
            if path.endswith("team"):
                found = replace(found, teams=(*found.teams, asked["fixtureData"]["team"]["name"]))
            self._server.application.accounts = replace(accounts, users=tuple({**known, name: found}.values()))


@contextlib.contextmanager
def backend() -> Iterator[Backend]:
    """A running server with its service."""
    with LoopbackServer() as server:
        directory = Directory(server)

        class Service(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                directory.obey(self.path, json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        threading.Thread(target=service.serve_forever, daemon=True).start()
        try:
            yield Backend(server, service.server_port)
        finally:
            service.shutdown()
            service.server_close()
