"""One GraphQL request to a W&B server, its answer or its trouble typed; nothing that a server does raises."""

from __future__ import annotations

import base64
import email.utils
import errno
import json
import ssl
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

from harness.evidence.models.base import JsonValue, Trouble
from harness.evidence.network.background import Background
from harness.evidence.network.route import Proxy, Trust
from harness.evidence.network.steps import connection_trouble, tls_trouble
from harness.evidence.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST_ANSWER = 4 << 20
_MOST_REDIRECTS = 3
_LONGEST_TEXT = 300


@dataclass(frozen=True)
class Answer:
    """What came back: the `data` and the messages of `errors`, or the trouble; `http_ok` splits the two layers."""

    http_ok: bool
    data: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    trouble: Trouble | None = None
    retry_after: float | None = None
    served_at: float | None = None
    """The server's clock when it answered, in unix seconds."""


class _Adapter(HTTPAdapter):
    """Uses the given certificates and nothing else, and hands proxy headers to the proxy."""

    def __init__(self, trust: Trust, headers: dict[str, str]) -> None:
        self._trust = trust
        self._proxy_headers = {k: v for k, v in headers.items() if k.lower() == "proxy-authorization"}
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool: Any) -> None:
        if self._trust.context is not None:
            pool["ssl_context"] = self._trust.context
        super().init_poolmanager(connections, maxsize, block=block, **pool)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if self._trust.context is not None:
            kwargs["ssl_context"] = self._trust.context
        return super().proxy_manager_for(proxy, **kwargs)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context has the certificates: requests must not add its own."""

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return {**super().proxy_headers(proxy), **self._proxy_headers}


class GraphqlClient:
    """Posts queries to one server as the SDK does; holds the key and never shows it."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None,
        proxy: Proxy | None,
        trust: Trust,
        headers: dict[str, str],
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/graphql"
        proxy_secrets = [proxy.url] if proxy else []
        self._redactor = Redactor([*([api_key] if api_key else []), *proxy_secrets, *headers.values()])
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = trust.context is None or trust.context.verify_mode != ssl.CERT_NONE
        self._session.max_redirects = _MOST_REDIRECTS
        self._session.headers.update({"User-Agent": "lumi-wandb-harness", **headers})
        if api_key:
            # Not `session.auth`: requests encodes that as Latin-1 and raises on the rest.
            sent = base64.b64encode(f"api:{api_key}".encode("utf-8", "surrogateescape")).decode()
            self._session.headers["Authorization"] = f"Basic {sent}"
        if proxy:
            self._session.proxies = {"http": proxy.url, "https": proxy.url}
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(trust, headers))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, query: str, variables: dict[str, JsonValue], seconds: float) -> Answer:
        """The answer to one query, within that many seconds in all."""
        try:
            return Background(lambda: self._post(query, variables, seconds)).result(seconds)
        except TimeoutError as late:
            return self._failed("timeout", str(late))

    def _post(self, query: str, variables: dict[str, JsonValue], seconds: float) -> Answer:
        try:
            response = self._session.post(
                self._url,
                json={"query": query, "variables": variables},
                timeout=(max(seconds / 2, 0.1), max(seconds, 0.1)),
                stream=True,
            )
            with response:
                judged = self._judge(response, _read(response))
                return replace(judged, served_at=_date(response.headers.get("Date", "")))
        except requests.exceptions.RequestException as error:
            return Answer(http_ok=False, trouble=self._connection(error))
        except (OSError, ValueError) as error:
            return self._failed("other", f"{type(error).__name__}: {error}")

    def _judge(self, response: requests.Response, body: bytes) -> Answer:
        """Which layer failed: the way (no JSON, 5xx, 404), the key (401), or the query (errors)."""
        status = response.status_code
        document = _json(body)
        message = self._message(document) or f"HTTP {status} {response.reason or ''}".strip()
        if status == 407:
            return self._failed("proxy", "the proxy wants a user name and password", status)
        if status == 401:
            return self._refused("auth", message, status)
        if status == 403 and document is not None:
            return self._refused("permission", message, status)
        if status == 404 and not {"errors", "data"} & (document or {}).keys():
            return self._failed("not_found", "no W&B server answers at this address", status)
        if status == 429 or status >= 500 or (status >= 400 and document is None):
            return self._failed("http", message, status, _retry_after(response))
        if document is None:
            kind = response.headers.get("Content-Type", "no content type")
            return self._failed("protocol", f"the answer is not JSON of GraphQL ({kind}): {_start(body)}", status)
        return self._content(document, message, status)

    def _content(self, document: dict[str, JsonValue], message: str, status: int) -> Answer:
        errors, data = document.get("errors"), document.get("data")
        if errors or status >= 400:
            kept = data if isinstance(data, dict) else {}
            return Answer(http_ok=True, data=kept, trouble=self._trouble(_kind(errors, status), message, status))
        if not isinstance(data, dict):
            return self._failed("protocol", "the answer has neither data nor errors", status)
        return Answer(http_ok=True, data=data)

    def _connection(self, error: requests.exceptions.RequestException) -> Trouble:
        causes = list(_causes(error))
        kinds = {type(cause).__name__ for cause in causes}
        if isinstance(error, requests.exceptions.ProxyError) or "ProxyError" in kinds:
            status = 407 if "407" in str(error) else None
            words = next((str(c) for c in causes if isinstance(c, OSError) and "unnel" in str(c)), "no way through it")
            return self._trouble("proxy", f"the proxy failed: {words}", status)
        failed_tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        if failed_tls is not None:
            return tls_trouble(failed_tls, self._redactor.text(self._url))
        if isinstance(error, requests.exceptions.Timeout):
            return self._trouble("timeout", "no answer in time")
        if isinstance(error, requests.exceptions.TooManyRedirects):
            return self._trouble("protocol", "redirected again and again")
        plain = next((c for c in causes if isinstance(c, OSError) and isinstance(c.errno, int)), None)
        if plain is not None and plain.errno != errno.ECONNRESET:
            return connection_trouble(plain, self._redactor.text(self._url))
        cut_off = {"ConnectionResetError", "RemoteDisconnected", "ProtocolError", "IncompleteRead", "BrokenPipeError"}
        if kinds & cut_off:
            return self._trouble("reset", "the server closed the connection in the middle")
        return self._trouble("other", f"{type(error).__name__}: {error}")

    def _message(self, document: dict[str, JsonValue] | None) -> str:
        """The server's own words: the first of `errors`, or `error`."""
        errors = (document or {}).get("errors")
        first = errors[0] if isinstance(errors, list) and errors else (document or {}).get("error")
        words = first.get("message") if isinstance(first, dict) else first
        return self._redactor.clean(words, _LONGEST_TEXT) if isinstance(words, str) else ""

    def _trouble(self, kind: str, text: str, status: int | None = None) -> Trouble:
        words = self._redactor.clean(text, _LONGEST_TEXT)
        return Trouble(kind=kind, text=words, where=self._redactor.text(self._url), http_status=status)

    def _failed(self, kind: str, text: str, status: int | None = None, retry_after: float | None = None) -> Answer:
        return Answer(http_ok=False, trouble=self._trouble(kind, text, status), retry_after=retry_after)

    def _refused(self, kind: str, text: str, status: int | None) -> Answer:
        return Answer(http_ok=True, trouble=self._trouble(kind, text, status))


def _read(response: requests.Response) -> bytes:
    """The body, as far as a W&B answer can be long."""
    body = bytearray()
    for chunk in response.iter_content(1 << 16):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            break
    return bytes(body)


def _json(body: bytes) -> dict[str, JsonValue] | None:
    """The object in the body; None where there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _kind(errors: JsonValue, status: int) -> str:
    """Which trouble the errors of a query are; a server that does not know a field answers 400 or 422."""
    words = json.dumps(errors).lower()
    if "not logged in" in words:
        return "auth"
    if "permission denied" in words:
        return "permission"
    return "protocol" if status in {200, 400, 422} else "http"


def _start(body: bytes) -> str:
    return " ".join(body[:80].decode("utf-8", "replace").split())


def _retry_after(response: requests.Response) -> float | None:
    """Seconds from the Retry-After header, given as a number or as a date."""
    text = response.headers.get("Retry-After", "")
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    at = _date(text)
    return None if at is None else max(at - time.time(), 0.0)


def _date(text: str) -> float | None:
    """The unix seconds of a date in a header."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and all that it holds or was raised from; requests and urllib3 wrap several deep."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
