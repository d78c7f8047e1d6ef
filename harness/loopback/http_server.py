"""The socket and the threads of the loopback server: listens on 127.0.0.1, and gives each connection to a handler."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.loopback.wire import Wire

HOST = "127.0.0.1"


class HttpServer(ThreadingHTTPServer):
    """One thread for each connection; a thousand ranks may knock at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(
        self, port: int, handler: type[BaseHTTPRequestHandler], wire: Wire, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__((HOST, port), handler)
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
