"""Small servers that speak raw bytes, certificates made on the spot, and a proxy: what goes wrong on a real wire."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from harness.evidence.network.probe import Way
from harness.evidence.network.route import proxy_for

Reply = Callable[[socket.socket, bytes], None]


@contextlib.contextmanager
def raw_server(reply: Reply) -> Iterator[int]:
    """Hands every connection, with the head of its request, to `reply`; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            request = _request(connection)
            if request:
                reply(connection, request)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.close()


def _request(connection: socket.socket) -> bytes:
    """The head and the body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
        if data.startswith(b"\x16"):
            return data  # a TLS greeting
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def says(answer: bytes) -> Reply:
    """Sends those bytes and closes."""
    return lambda connection, _: connection.sendall(answer)


def http(body: bytes, status: str = "200 OK", kind: str = "application/json", *more: str) -> bytes:
    """A whole HTTP answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def resets(connection: socket.socket, _: bytes) -> None:
    """Closes hard, with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def make_certificate(folder: Path, *, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate that signs itself, for an address or a name, and its key; needs the openssl command."""
    openssl = shutil.which("openssl")
    assert openssl, "the openssl command is needed for this test"
    certificate, key = folder / "cert.pem", folder / "key.pem"
    kind = "IP" if name[0].isdigit() else "DNS"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}", "-days", "2"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return certificate, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextlib.contextmanager
def connect_proxy(seen: list[bytes], *, wants: bytes | None = None) -> Iterator[int]:
    """A proxy for CONNECT and plain requests; with `wants`, it refuses whoever does not send that header."""

    def reply(client: socket.socket, request: bytes) -> None:
        seen.append(request)
        if wants is not None and wants.lower() not in request.lower():
            client.sendall(http(b"", "407 Proxy Authentication Required", "text/html"))
            return
        method, target, _ = request.split(b" ", 2)
        address = target if method == b"CONNECT" else target.split(b"/")[2]
        host, _, port = address.decode().partition(":")
        with socket.create_connection((host, int(port or 80)), timeout=10) as upstream:
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.sendall(request)
            relay = threading.Thread(target=_pump, args=(client, upstream), daemon=True)
            relay.start()
            _pump(upstream, client)

    with raw_server(reply) as port:
        yield port


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def way_to(url: str, env: Mapping[str, str], key: str | None, entity: str | None, project: str | None) -> Way:
    """The way to a server with these variables, as the setup would have it."""
    return Way(
        base_url=url, api_key=key, entity=entity, project=project,
        proxy=proxy_for(url, env, env.get(f"WANDB_{urlsplit(url).scheme.upper()}_PROXY")),
        check_certificates=env.get("WANDB_INSECURE_DISABLE_SSL") != "true", sdk_version=None,
    )  # fmt: skip
