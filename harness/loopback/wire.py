"""What the connections of one server share: the application, the faults, the records, and the sockets to close."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from typing import TYPE_CHECKING

from harness.loopback.faults import FaultPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.loopback.messages import RequestRecord
    from harness.loopback.routes import Application


class Wire:
    """Shared by all handlers of a server; every method is safe to call from any thread."""

    def __init__(self, application: Application, prefix: str, *, remembered: int = 20_000) -> None:
        self.application = application
        self.prefix = prefix
        self.faults = FaultPlan()
        self.stopping = threading.Event()
        self.scheme = "http"
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=remembered)
        self._connections: set[socket.socket] = set()

    @property
    def records(self) -> list[RequestRecord]:
        """The last requests, in the order in which they ended."""
        with self._lock:
            return list(self._records)

    def remember(self, record: RequestRecord) -> None:
        """Keeps the record of a request."""
        with self._lock:
            self._records.append(record)

    def forget(self) -> None:
        """Drops the records."""
        with self._lock:
            self._records.clear()

    @contextlib.contextmanager
    def open(self, connection: socket.socket) -> Iterator[None]:
        """Keeps track of a connection while it is open."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def close_connections(self) -> None:
        """Ends every connection, so that clients notice at once that the server is gone."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    """Makes the coming close of a socket a hard one: the peer sees "connection reset", not an end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
