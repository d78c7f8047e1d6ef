"""The loopback W&B backend as a server on 127.0.0.1: start it, point an SDK at it, look at what it stored."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.loopback.accounts import Accounts
from harness.loopback.blobs import Blobs
from harness.loopback.faults import FaultPlan
from harness.loopback.handler import Handler
from harness.loopback.journal import FolderJournal
from harness.loopback.messages import RequestRecord
from harness.loopback.routes import FEATURES, Application
from harness.loopback.store import Store
from harness.loopback.wire import Wire

if TYPE_CHECKING:
    from typing_extensions import Self

HOST = "127.0.0.1"
KEEP_S = 5.0


class HttpServer(ThreadingHTTPServer):
    """One thread for each connection; a thousand ranks may knock at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port: int, wire: Wire, tls: ssl.SSLContext | None) -> None:
        super().__init__((HOST, port), Handler)
        self.closing = threading.Event()
        self.wire = wire
        self._tls = tls

    def server_bind(self) -> None:
        """Binds without asking a name server who we are, which the base class does and which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def accept_all(self) -> None:
        """Accepts connections until it is closed; unlike the base class it never polls, so it ends at once."""
        while True:
            try:
                connection, address = self.get_request()
            except OSError:
                # Out of file descriptors, perhaps, or the client left already: the next one may fare better.
                if self.closing.wait(0.05):
                    return
                continue
            if self.closing.is_set():
                self.shutdown_request(connection)
                return
            try:
                self.process_request(connection, address)
            except RuntimeError:  # no more threads: this client has to come again
                self.shutdown_request(connection)

    def close(self) -> None:
        """Stops listening and ends every connection."""
        self.closing.set()
        with contextlib.suppress(OSError):  # the wait for the next connection ends with a connection
            socket.create_connection((HOST, self.server_port), timeout=5).close()
        self.server_close()
        self.wire.close_connections()

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return f"{HOST}:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serves one connection; the TLS handshake happens here, in the connection's own thread."""
        if self._tls is not None:
            request.settimeout(10)
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError:
                return  # a client that does not trust our certificate: its fault to tell
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error; anything else is ours and is told in full."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)


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
            self._http = HttpServer(port, self._wire, tls)
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
                self._http = HttpServer(port, self._wire, self._tls)
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
