"""JSON as the W&B server keeps it: bare NaN and Infinity come in, the strings "NaN" and "Infinity" go out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def loads(text: str | bytes) -> Any:
    """Parses JSON, bare NaN and Infinity included.

    Raises:
        ValueError: the text is no JSON, or nested too deeply to be read.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


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
