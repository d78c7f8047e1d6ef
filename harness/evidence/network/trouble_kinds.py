"""Tells which kind of network trouble a text describes, in Go's words (wandb-core) or in Python's."""

import re

# In the order in which they decide: a refused proxy is the proxy's trouble, a reset in a TLS handshake is TLS's.
_KINDS = (
    ("proxy", ("proxyconnect", "ProxyError", "Proxy Authentication Required", "Tunnel connection failed", r"\b407\b")),
    ("tls", (
        "tls: ", "x509: ", "certificate verify failed", "CERTIFICATE_", "SSLError", "SSLCertVerificationError", "SSL: ",
        "TLS CA certificate bundle", "HTTP response to HTTPS client",
    )),
    ("dns", (
        "no such host", "dial tcp: lookup", "Name or service not known", "name resolution", "NameResolutionError",
        "gaierror", "nodename nor servname", "Could not resolve host", "server misbehaving",
    )),
    ("http", (
        r"\bHTTP [45]\d\d\b", r"returned error [45]\d\d", r"\b[45]\d\d (?:Client|Server) Error",
        r"<Response \[[45]\d\d\]>", r"failed to upload: [45]\d\d", r"\b[45]\d\d (?:response executing|encountered)",
    )),
    ("refused", ("[Cc]onnection refused", "ConnectionRefusedError")),
    ("reset", (
        "connection reset", "Connection reset", "ConnectionResetError", "Connection aborted", "RemoteDisconnected",
        "broken pipe", "BrokenPipe", r"\bEOF\b", "ProtocolError", "IncompleteRead", "ChunkedEncodingError",
    )),
    ("timeout", (
        "i/o timeout", "deadline exceeded", r"Client\.Timeout", "[Tt]imed out", "ConnectTimeout", "ReadTimeout",
        "TimeoutError", "handshake timeout", "[Nn]o route to host", "[Nn]etwork is unreachable",
    )),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile("|".join(patterns))) for kind, patterns in _KINDS)


def trouble_kind(text: str) -> str:
    """Return proxy, tls, dns, http, refused, reset, timeout, or other.

    What was retried counts before the deadline that ended the retries: Go prints
    `context deadline exceeded` and then `while retrying: ` with the cause.
    """
    _, found, cause = text.partition("while retrying: ")
    if found and (kind := _kind(cause)) != "other":
        return kind
    return _kind(text)


def _kind(text: str) -> str:
    return next((kind for kind, pattern in _COMPILED if pattern.search(text)), "other")


_STATUS = re.compile(
    r"\bHTTP ([45]\d\d)\b|returned error ([45]\d\d)\b|failed to upload: ([45]\d\d)\b"
    r"|\b([45]\d\d) (?:Client|Server) Error|^([45]\d\d) (?:response executing|encountered)|<Response \[([45]\d\d)\]>"
)


def http_status(text: str) -> int | None:
    """Return the HTTP status that a text speaks of, or None."""
    match = _STATUS.search(text)
    return next(int(group) for group in match.groups() if group) if match else None
