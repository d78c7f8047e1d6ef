"""Makes strings from runs, logs and servers fit to be shown: nothing invisible, nothing endless."""

import re

SHORT = 300
"""Characters of a name, a value or a reason."""
LONG = 4000
"""Characters of a block of lines."""
LONGEST_LINE = 500

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, invisible and zero-width characters, those that turn the direction of text, and lone surrogates."""
_PILED = re.compile("([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
                    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip
"""More than three combining marks in a row would reach into the lines above and below."""


def seen(text: str) -> str:
    """Write invisible characters as escapes, a backslash, u and the number; tabs and newlines stay."""
    return _PILED.sub(r"\1", _UNSEEN.sub(_escape, text))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(value: object, limit: int = SHORT) -> str:
    """Return a value as one visible line of at most about `limit` characters."""
    text = value if isinstance(value, str) else str(value)
    cut = len(text) - limit
    if cut > 0:
        text = text[:limit]
    line = " ".join(seen(text).split())
    return f"{line}… ({cut:,} more characters)" if cut > 0 else line


def block(text: str, limit: int = LONG) -> str:
    """Return lines of text, each visible and of bounded length; indentation stays."""
    cut = len(text) - limit
    lines = [seen(line).expandtabs(4).rstrip() for line in text[:limit].split("\n")]
    lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
    return "\n".join(lines).strip("\n") + (f"\n… ({cut:,} more characters)" if cut > 0 else "")
