"""The first steps towards a server, each tried alone and bounded in time: name, connection, encryption."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from typing import Literal

from harness.evidence.models.base import Trouble
from harness.evidence.models.setup import ProbeStep
from harness.evidence.network.background import Background

StepName = Literal["dns", "tcp", "tls", "http", "viewer", "project"]
_MOST_ADDRESSES = 4

REFUSED = frozenset({errno.ECONNREFUSED})
UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
RESET = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})


def step(name: StepName, started: float, trouble: Trouble | None = None) -> ProbeStep:
    """The step that began at that reading of `time.monotonic()` and ends now."""
    return ProbeStep(name=name, ok=trouble is None, seconds=round(time.monotonic() - started, 4), trouble=trouble)


def resolve(host: str, port: int, seconds: float) -> tuple[ProbeStep, list[str]]:
    """The addresses of the host, as a step; none where the step failed."""
    started = time.monotonic()
    where = f"{host}:{port}"
    try:
        found = Background(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)).result(seconds)
    except TimeoutError as late:
        return step("dns", started, Trouble(kind="dns", text=f"name not resolved: {late}", where=where)), []
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return step("dns", started, Trouble(kind="dns", text=f"name not resolved: {words}", where=where)), []
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    return step("dns", started), addresses[:_MOST_ADDRESSES]


def connect(addresses: list[str], port: int, seconds: float) -> tuple[ProbeStep, socket.socket | None]:
    """A connection to the first address that takes one, as a step; the caller closes it."""
    started = time.monotonic()
    trouble = Trouble(kind="other", text="no address", where="")
    for address in addresses:
        left = seconds - (time.monotonic() - started)
        if left <= 0:
            break
        try:
            return step("tcp", started), socket.create_connection((address, port), timeout=left)
        except OSError as error:
            trouble = connection_trouble(error, f"{address}:{port}")
    return step("tcp", started, trouble), None


def connection_trouble(error: OSError, where: str) -> Trouble:
    """The typed trouble of a socket error."""
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return Trouble(kind="timeout", text="no answer in time", where=where)
    if error.errno in REFUSED:
        return Trouble(kind="refused", text="connection refused", where=where)
    if error.errno in RESET:
        return Trouble(kind="reset", text="connection reset", where=where)
    # Without a route a connection is as lost as with packets dropped on the way.
    kind = "timeout" if error.errno in UNREACHABLE else "other"
    return Trouble(kind=kind, text=error.strerror or type(error).__name__, where=where)


def handshake(raw: socket.socket, host: str, context: ssl.SSLContext, seconds: float) -> ProbeStep:
    """The TLS handshake on an open connection, with the certificate checked, as a step."""
    started = time.monotonic()
    raw.settimeout(seconds)
    try:
        with context.wrap_socket(raw, server_hostname=host):
            return step("tls", started)
    except (ssl.SSLError, ssl.CertificateError) as error:
        return step("tls", started, tls_trouble(error, host))
    except TimeoutError:
        return step("tls", started, Trouble(kind="timeout", text="no answer to the TLS handshake", where=host))
    except OSError as error:
        return step("tls", started, connection_trouble(error, host))
    except ValueError as error:
        return step("tls", started, Trouble(kind="tls", text=str(error), where=host))


def tls_trouble(error: BaseException, where: str) -> Trouble:
    """What the handshake says, such as `certificate verify failed: self-signed certificate`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Trouble(kind="tls", text=f"certificate verify failed: {error.verify_message}", where=where)
    reason = getattr(error, "reason", None)
    words = str(reason) if reason else str(error)
    return Trouble(kind="tls", text=words.replace("_", " ").lower()[:200], where=where)
