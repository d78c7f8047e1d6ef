"""Takes secrets and terminal control out of every text that the harness shows, saves or sends."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from harness.evidence.models.base import JsonValue

REDACTED = "[redacted]"
_DEEPEST = 100
_SHORTEST_SECRET = 4
_LONGEST_KEY = 100
_SHORTEST_LITERAL = 8

# CSI, OSC (with its text) and two-character escapes, then what is left: C0 without tab and newline, DEL, C1,
# line-order overrides that make text read as something else, non-characters that XML cannot carry.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_HEX_KEY = re.compile(r"(?<![0-9A-Za-z])(?:local-)?[0-9a-fA-F]{40}(?![0-9A-Za-z])")
_NEW_KEY = re.compile(r"wandb_v\d+_[A-Za-z0-9_-]+")
_USERINFO = re.compile(r"(?<=://)[^/\s@\"'<>]+@")
# A value that begins with $, <, [, { or ( is a variable or a placeholder, not a key.
_NAMED = re.compile(
    r"(?P<name>(?:api[_-]?key|(?:access|auth|identity|hf)[_-]?token|password|secret)[\"']?\s*[=:]\s*[\"']?"
    r"|\blogin\(\s*key\s*=\s*[\"'])"
    r"(?!(?:none|null|true|false)\b)(?P<value>[^\s\"'&,;)$<\[{(][^\s\"'&,;)]*)",
    re.IGNORECASE,
)
_NETRC = re.compile(r"(?P<name>\blogin\s+\S+\s+password\s+)(?P<value>\S+)", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"(?P<name>authorization[\"']?\s*[=:]\s*[\"']?)(?P<value>(?:basic|bearer|token)\s+[^\s\"',]+|[^\s\"',]+)",
    re.IGNORECASE,
)
_BASIC = re.compile(r"YXBpO[A-Za-z0-9+/_-]{20,}={0,2}")
"""Base64 of `api:KEY`, as the SDK sends it."""
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+")
_NAMED_HINTS = ("key", "token", "password", "secret")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with everything that looks like a key, and every given secret, replaced by `[redacted]`.

    Control characters go first, so that a colour code inside a key does not hide it. A bare carriage return, which
    would let a line overwrite another one, becomes a line break.
    """
    if not text.isprintable():
        text = strip_control(text)
    for secret in secrets:
        text = _without(text, secret)
    # A substring search costs a tenth of a regular expression: most lines are done after these.
    if len(text) >= len("wandb_v1_"):
        text = _without_keys(text)
    return text


def _without_keys(text: str) -> str:
    if "wandb_v" in text:
        text = _NEW_KEY.sub(REDACTED, text)
    if len(text) >= 40:
        text = _HEX_KEY.sub(REDACTED, text)
    if "YXBpO" in text:
        text = _BASIC.sub(REDACTED, text)
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if "://" in text and "@" in text:
        text = _USERINFO.sub(f"{REDACTED}@", text)
    lower = text.lower()
    if any(hint in lower for hint in _NAMED_HINTS):
        text = _NAMED.sub(_keep_name, text)
        text = _NETRC.sub(_keep_name, text)
    if "authorization" in lower:
        text = _AUTHORIZATION.sub(_keep_name, text)
    return text


def _keep_name(match: re.Match[str]) -> str:
    return f"{match['name']}{REDACTED}"


def _without(text: str, secret: str) -> str:
    """A short secret is replaced only as a word of its own, lest it take ordinary words apart."""
    if len(secret) < _SHORTEST_SECRET:
        return text
    if secret not in text:
        return text
    if len(secret) >= _SHORTEST_LITERAL:
        return text.replace(secret, REDACTED)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)


def strip_control(text: str) -> str:
    """The text without terminal escape sequences and control characters; tabs and line breaks stay."""
    text = text.replace("\r\n", "\n")
    return _CONTROL.sub(_control, text)


def _control(match: re.Match[str]) -> str:
    return "\n" if match[0] == "\r" else ""


def cut(text: str, limit: int) -> str:
    """The first characters of a text that is redacted later: the word that the limit halves goes, be it half a key."""
    if len(text) <= limit:
        return text
    least = limit - min(_LONGEST_KEY, limit // 2)
    return text[: next((at for at in range(limit, least, -1) if text[at].isspace()), least)]


def clean(text: str, limit: int, secrets: Iterable[str] = ()) -> str:
    """The redacted text, at most `limit` characters long; what is cut off shows as an ellipsis."""
    # A key cut in two is no longer recognised: redact first, but not a megabyte for a few words.
    text = redact(text[: 4 * limit + 1000], secrets)
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


class Redactor:
    """Knows the secrets that it is given and takes them out of text; shows them to nobody."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Longest first: a form that holds another one must not be left in pieces.
        self._secrets = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} forms)"

    def text(self, text: str) -> str:
        """As `redact`, with the secrets of this environment."""
        return redact(text, self._secrets)

    def clean(self, text: str, limit: int) -> str:
        """As `clean`, with the secrets of this environment."""
        return clean(text, limit, self._secrets)

    def knows(self, raw: bytes) -> bool:
        """Whether a secret of this environment stands in these bytes as it is."""
        return any(secret.encode("utf-8", "surrogateescape") in raw for secret in self._secrets)

    def value(self, value: JsonValue) -> JsonValue:
        """The JSON value with every string in it redacted, keys of objects included."""
        return self._value(value, 0)

    def _value(self, value: JsonValue, depth: int) -> JsonValue:
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, (dict, list, tuple)):
            return value
        if depth >= _DEEPEST:
            return "[too deep]"
        if isinstance(value, dict):
            return {self.text(str(key)): self._value(item, depth + 1) for key, item in value.items()}
        return [self._value(item, depth + 1) for item in value]


def _forms(secret: str) -> tuple[str, ...]:
    """The secret as it is, stripped, quoted for a URL, and as the SDK sends it."""
    bare = secret.strip().strip("\"'")
    if len(bare) < _SHORTEST_SECRET:
        return ()
    sent = base64.b64encode(f"api:{bare}".encode("utf-8", "surrogateescape")).decode()
    return tuple({bare, secret.strip(), quote(bare, safe="", errors="surrogateescape"), sent})
