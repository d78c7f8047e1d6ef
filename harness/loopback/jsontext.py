"""JSON as the W&B server keeps it: bare NaN and Infinity come in, the strings "NaN" and "Infinity" go out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

DEEPEST = 100
"""So deep may JSON be nested: all that reads it later goes down by calls, and must not run out of them."""
HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
HALF_PAIR_BYTES = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\x00")


def loads(text: str | bytes) -> Any:
    """Parses JSON, bare NaN and Infinity included; half of a surrogate pair, which UTF-8 has not, becomes U+FFFD.

    Raises:
        ValueError: the text is no JSON, or nested too deeply to be read.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    # Most texts hold neither enough brackets nor half of a pair, and are looked at no further.
    if isinstance(text, str):
        brackets, halved = text.count("[") + text.count("{"), HALF_PAIR.search(text) is not None
    else:
        brackets, halved = text.count(b"[") + text.count(b"{"), HALF_PAIR_BYTES.search(text) is not None
    if brackets > DEEPEST and _deeper_than(value, DEEPEST):
        raise ValueError("JSON nested too deeply")
    return _whole_characters(value) if halved else value


def _deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other deeper than so many levels."""
    layer = [value]
    for _ in range(levels + 1):
        inner = [
            list(item.values()) if isinstance(item, dict) else item for item in layer if isinstance(item, (dict, list))
        ]
        if not inner:
            return False
        layer = [item for items in inner for item in items]
    return True


def _whole_characters(value: Any) -> Any:
    """The same value with each half of a surrogate pair replaced, as the real server does."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
    return [_whole_characters(item) for item in value] if isinstance(value, list) else value


def loads_object(text: str | bytes) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
        ValueError: the text is no JSON object.
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - callers handle bad JSON and bad shape alike
    return value


def strict(value: Any) -> Any:
    """The same value with every float that JSON does not know as a string, the way the API returns it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [strict(item) for item in value]
    return value


def strict_line(line: str) -> str:
    """One stored JSON line as the API returns it; the common line is returned untouched, at no cost."""
    if "NaN" not in line and "Infinity" not in line:
        return line
    return json.dumps(strict(loads(line)))


def dumps(value: Any) -> str:
    """Strict JSON text of a value."""
    return json.dumps(strict(value))
