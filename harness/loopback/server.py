"""The loopback W&B backend as a server on 127.0.0.1: start it, point an SDK at it, look at what it stored."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.loopback.accounts import Accounts
from harness.loopback.blobs import Blobs
from harness.loopback.faults import FaultPlan
from harness.loopback.handler import Handler
from harness.loopback.http_server import HOST, HttpServer
from harness.loopback.journal import FolderJournal
from harness.loopback.messages import RequestRecord
from harness.loopback.routes import FEATURES, Application
from harness.loopback.store import Store
from harness.loopback.wire import Wire

if TYPE_CHECKING:
    from typing_extensions import Self

KEEP_S = 5.0


class LoopbackServer:
    """A W&B server for tests: `with LoopbackServer() as server: …`.

    Args:
        port: the port on 127.0.0.1; 0 takes a free one.
        api_key: the key of the default user; a random one if None.
        store_dir: folder that keeps everything across restarts; None keeps it in memory.
        tls: serves https with this context.
        prefix: path in front of everything, such as `/wandb`.
        accounts: users and entities in place of the default ones; the first user's key is `api_key` then.
        clock: seconds since the epoch.
        crash_after_s: how long a running run may be silent before it counts as crashed.
        features: names of the optional server features to announce.
        on_unknown: told at once of every operation that is not supported and of every crash.

    Raises:
        OSError: the port is taken, or `store_dir` cannot be used.
        ValueError: what is in `store_dir` cannot be read.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        api_key: str | None = None,
        store_dir: str | Path | None = None,
        tls: ssl.SSLContext | None = None,
        prefix: str = "",
        accounts: Accounts | None = None,
        clock: Callable[[], float] = time.time,
        crash_after_s: float = 300.0,
        features: tuple[str, ...] = FEATURES,
        on_unknown: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.accounts = accounts or Accounts.default(api_key)
        self._journal = None if store_dir is None else FolderJournal(Path(store_dir))
        blobs = self._journal.blobs if self._journal else Blobs()
        self.store = Store(clock=clock, crash_after_s=crash_after_s, blobs=blobs)
        if self._journal is not None:
            self._journal.replay(self.store)
            self.store.journal = self._journal
        self._own_blobs = Blobs()
        self.application = Application.over(self.accounts, self.store, self._own_blobs, features, on_unknown)
        self._wire = Wire(self.application, prefix.rstrip("/"))
        self._wire.scheme = "https" if tls else "http"
        self._tls = tls
        try:
            self._http = HttpServer(port, Handler, self._wire, tls)
        except OSError:
            self._close_journal()
            raise
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What goes into WANDB_BASE_URL."""
        return f"{self._wire.scheme}://{self._http.authority}{self._wire.prefix}"

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._http.server_port

    @property
    def api_key(self) -> str:
        """The key of the first user."""
        return self.accounts.users[0].api_key

    @property
    def faults(self) -> FaultPlan:
        """The misbehaviour in force."""
        return self._wire.faults

    @property
    def requests(self) -> list[RequestRecord]:
        """The last requests, in the order in which they were answered; one whose client left too early is missing."""
        return self._wire.records

    def forget_requests(self) -> None:
        """Drops the records of requests."""
        self._wire.forget()

    @property
    def unknown_operations(self) -> list[str]:
        """Operations that clients asked for and that are not supported, with the reasons."""
        return list(self.application.unknown_operations)

    @property
    def refused_operations(self) -> list[str]:
        """Operations that clients asked for and that were refused by name, with what is not there."""
        return list(self.application.refused_operations)

    @property
    def crashes(self) -> list[str]:
        """Tracebacks of resolvers that failed: bugs of this server."""
        return list(self.application.crashes)

    def environment(self) -> dict[str, str]:
        """The variables that point an SDK at this server."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": self.api_key}

    def start(self) -> Self:
        """Serves from a thread of its own; returns at once, ready."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._http.accept_all, name="loopback", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stops serving: the port is free and every connection is closed when this returns."""
        self._wire.stopping.set()
        self._hush()
        self._close_journal()
        self.store.blobs.close()
        self._own_blobs.close()

    def _hush(self) -> None:
        self._http.close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Meanwhile the port refuses connections, as if the server were down; what it stored stays."""
        port = self.port
        self._hush()
        with kept(port):
            try:
                yield
            finally:
                self._http = HttpServer(port, Handler, self._wire, self._tls)
                self.start()

    def hang_up(self) -> None:
        """Closes every connection, as a server does that starts again; clients have to come anew."""
        self._wire.close_connections()

    def _close_journal(self) -> None:
        self.store.journal = None
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextlib.contextmanager
def kept(port: int) -> Iterator[None]:
    """Keep a port that nobody listens on, so that nobody else gets it: connections are refused.

    Raises:
        OSError: somebody else has it.
    """
    end = time.monotonic() + KEEP_S
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            try:
                own.bind((HOST, port))
                break
            except OSError:  # a process that is being started holds what listened a moment longer
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        yield


@contextlib.contextmanager
def serve(**options: Any) -> Iterator[LoopbackServer]:
    """A running server with the options of `LoopbackServer`, stopped at the end."""
    with LoopbackServer(**options) as server:
        yield server
