"""Makes strings from runs, logs and servers fit to be shown: nothing invisible, nothing endless, no odd links."""

import math
import re
import time
from urllib.parse import urlsplit

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
_URL = re.compile(r"https?://[^\s\"'`<>\\^{|}]{1,1000}")


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


def link(url: str) -> str | None:
    """Return an address that may be followed: http or https, without a user name, nothing invisible; else None."""
    if not _URL.fullmatch(url) or _UNSEEN.search(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError where the port is none
    except ValueError:
        return None
    return url if parts.hostname and "@" not in parts.netloc else None


def parted(text: str) -> list[tuple[bool, str]]:
    """Part a text at its backticks: (is code, piece); a lone backtick stays as it is."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return [(False, text)]
    return [(n % 2 == 1, piece) for n, piece in enumerate(pieces) if piece]


def number(value: float | None) -> str:
    """Write a number with four digits: `0.001302`, `12.3 k`, `1.5 M`; a dash for None."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g} {unit}" if abs(value) < 1e16 else f"{value:.3g}"
    return f"{value:.4g}"


def seconds(value: float | None) -> str:
    """Write a duration: `0.4 s`, `31 s`, `2 min 5 s`, `1 h 3 min`; a dash for None."""
    if value is None or not math.isfinite(value):
        return "–"
    if value < 0:
        return "an unknown time (the clock went back)"
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def moment(value: float) -> str:
    """Write a time that counts from some beginning, in seconds: `31 s`, and `4.0 s before` where it lies ahead."""
    return seconds(value) if value >= 0 else f"{seconds(-value)} before"


def clock(at: float | None) -> str:
    """Write unix seconds as `2026-11-23 19:26:17 UTC`; a dash for None and for times out of range."""
    if at is None or not 0 < at < 253402300800:
        return "–"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def size(count: int | None) -> str:
    """Write a number of bytes: `1,503 B`, `24.7 GB`; a dash for None."""
    if count is None:
        return "–"
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if abs(count) >= 10 * 1000**power or (power > 1 and abs(count) >= 1000**power):
            return f"{count / 1000**power:,.1f} {unit}"
    return f"{count:,} B"


def plural(count: int, one: str, many: str = "") -> str:
    """Count things: `1 run`, `4 runs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
