"""Writes numbers, times, sizes and links as they are shown."""

import math
import re
import time
from urllib.parse import urlsplit

from harness.evidence.redaction.visible import seen

_URL = re.compile(r"https?://[^\s\"'`<>\\^{|}]{1,1000}")


def link(url: str) -> str | None:
    """Return an address that may be followed: http or https, without a user name, nothing invisible; else None."""
    if not _URL.fullmatch(url) or seen(url) != url:
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
