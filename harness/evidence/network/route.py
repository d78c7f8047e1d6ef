"""Which proxy and which certificates the SDK's traffic would use with a given environment."""

from __future__ import annotations

import ipaddress
import json
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult

from harness.evidence.network.address import split_url

_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Go looks, in this order (crypto/x509/root_linux.go); the first that can be read is taken."""
_CA_FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs")
_MOST_FILES = 1000


@dataclass(frozen=True)
class Proxy:
    """A proxy and the variable that names it; the address may hold a password."""

    variable: str
    url: str = field(repr=False)

    @property
    def shown(self) -> str:
        """`VARIABLE=scheme://host:port`, without user name and password."""
        parts = split_url(self.url)
        return f"{self.variable}={parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@dataclass(frozen=True)
class Trust:
    """The certificates that the SDK would trust."""

    context: ssl.SSLContext | None = field(repr=False)
    bundle: str | None = None
    """The file that a variable names."""
    bundle_missing: bool = False


def proxy_for(url: str, env: Mapping[str, str], own: str | None = None) -> Proxy | None:
    """The proxy for that address: the SDK's own setting of it, else as Go's `http.ProxyFromEnvironment` chooses.

    Source: core/internal/clients/proxy.go of wandb; golang.org/x/net/http/httpproxy. The SDK's own setting knows no
    exceptions; Go never uses a proxy for localhost and loopback addresses.
    """
    target = split_url(url)
    if own:
        return Proxy(f"WANDB_{target.scheme.upper()}_PROXY", own)
    variable = next((name for name in _variables(f"{target.scheme}_proxy") if env.get(name)), None)
    if variable is None or _is_excepted(target, env):
        return None
    address = env[variable]
    return Proxy(variable, address if "://" in address else f"http://{address}")


def _variables(name: str) -> tuple[str, str]:
    return name.upper(), name


def _is_excepted(target: SplitResult, env: Mapping[str, str]) -> bool:
    host = (target.hostname or "").rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = target.port or {"http": 80, "https": 443}.get(target.scheme, 0)
    listed = next((env[name] for name in _variables("no_proxy") if env.get(name)), "")
    return any(_excepts(entry.strip().lower(), host.lower(), port) for entry in listed.split(","))


def _excepts(entry: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY covers the host: `*`, a network, an address, a domain; each may name a port."""
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry and address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, wanted_port = entry.rpartition(":")
    if colon and wanted_port.isdigit() and "]" not in wanted_port and _address(entry) is None:
        entry = name
        if int(wanted_port) != port:
            return False
    entry = entry.strip("[]").removeprefix("*")
    if not entry:
        return False
    if address is not None:
        return host == entry
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def trust_for(env: Mapping[str, str], *, tls: bool, check: bool = True) -> Trust:
    """The certificates for wandb-core, which is Go: SSL_CERT_FILE, SSL_CERT_DIR, else the system's.

    REQUESTS_CA_BUNDLE matters to the Python side of older SDKs alone; a missing one is still reported. Without `tls`
    nothing is loaded; without `check` everything is trusted.
    """
    named = [env[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if env.get(name)]
    missing = next((path for path in named if not Path(path).exists()), None)
    bundle = missing or (named[0] if named else None)
    context = _context(env, check=check) if tls else None
    return Trust(context, bundle, bundle_missing=missing is not None)


def _context(env: Mapping[str, str], *, check: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not check:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if not sys.platform.startswith("linux"):
        context.load_default_certs()
    files = (env["SSL_CERT_FILE"],) if env.get("SSL_CERT_FILE") else _CA_FILES
    for file in files:
        if _load(context, Path(file)):
            break
    if env.get("SSL_CERT_DIR"):
        # OpenSSL wants hashed names in a folder; Go reads every file.
        for folder in env["SSL_CERT_DIR"].split(":"):
            for path in _files_of(Path(folder)):
                _load(context, path)
    else:
        for folder in _CA_FOLDERS:
            if Path(folder).is_dir():
                context.load_verify_locations(capath=folder)
    return context


def _load(context: ssl.SSLContext, file: Path) -> bool:
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError):
        return False
    return True


def _files_of(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())[:_MOST_FILES]
    except OSError:
        return []


def extra_headers(env: Mapping[str, str]) -> dict[str, str]:
    """The headers that the SDK is told to add to every request, as JSON in WANDB_X_EXTRA_HTTP_HEADERS."""
    text = env.get("WANDB_X_EXTRA_HTTP_HEADERS") or env.get("WANDB__EXTRA_HTTP_HEADERS") or "{}"
    try:
        headers = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}


def host_and_port(url: str) -> tuple[str, int]:
    """The host and port of an address, the scheme's usual port where none is given; no host where it is no address."""
    parts = split_url(url)
    usual = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
    return parts.hostname or "", parts.port or usual.get(parts.scheme, 80)
