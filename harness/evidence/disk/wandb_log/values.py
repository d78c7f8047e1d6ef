"""JSON values as the log holds them, made finite, bounded and safe to write out again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic_core import from_json

from harness.evidence.redaction.redactor import cut

if TYPE_CHECKING:
    from pydantic import JsonValue

    from harness.evidence.models.wandb_log import Number

MAX_TEXT = 1000
MAX_JSON_BYTES = 64 * 1024
MAX_KEY = 300
_MAX_PARTS = 32
_MAX_DEPTH = 12
_MAX_ENTRIES = 200
_MAX_EXACT_INT = 2**63
_MAX_FLOAT_INT = 2**53
_KIND_BY_FIRST_BYTE = {b"[": "list", b"{": "dict", b'"': "string"}
_NON_FINITE_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INFINITE: dict[float, Literal["Infinity", "-Infinity"]] = {math.inf: "Infinity", -math.inf: "-Infinity"}


class NotJson(NamedTuple):
    """Stands for a text that was not parsed: no JSON, nested too deeply, or very long."""

    kind: str


def parse_json(text: bytes) -> object:
    """Parse one JSON value; bare NaN and Infinity are allowed, as the SDKs write them."""
    if len(text) > MAX_JSON_BYTES:
        # A short text can become a large object: long ones are judged by how they begin.
        return NotJson(_KIND_BY_FIRST_BYTE.get(text[:1], "invalid"))
    try:
        return from_json(text)
    except ValueError:
        pass
    try:
        # Slower, but knows lone surrogates, which Python's own writer makes.
        return json.loads(text)
    except (ValueError, RecursionError):
        return NotJson("invalid")


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Bound a text and replace what UTF-8 cannot carry (lone surrogates)."""
    if len(text) > limit:
        text = f"{cut(text, limit)}… ({len(text)} characters)"
    return text.encode("utf-8", "replace").decode()


def key_parts(path: Sequence[bytes]) -> tuple[str, ...]:
    """Return the parts of a nested key as text, bounded."""
    parts = [part[: MAX_KEY * 4].decode("utf-8", "replace") for part in path[:_MAX_PARTS]]
    if len(path) > _MAX_PARTS:
        parts.append(f"… ({len(path)} parts)")
    return tuple(parts)


def dotted(parts: Sequence[str]) -> str:
    """Join the parts of a nested key with dots, bounded."""
    return clean_text(".".join(parts), MAX_KEY)


def key_name(path: Sequence[bytes]) -> str:
    """Return the bounded name of a nested key."""
    return dotted(key_parts(path))


def as_number(value: object) -> float | int | None:
    """Return a number that float arithmetic can take, None for anything else.

    The words NaN, Infinity and -Infinity count as numbers: some SDKs write them as strings.
    """
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if -_MAX_EXACT_INT <= value <= _MAX_EXACT_INT:
            return value
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, str):
        return _NON_FINITE_WORDS.get(value)
    return None


def to_number(value: float) -> Number:
    """Put a number into the form that the models keep: whole numbers without a fraction, words if not finite."""
    if math.isfinite(value):
        return int(value) if value == int(value) and abs(value) < _MAX_FLOAT_INT else float(value)
    return _INFINITE.get(value, "NaN")


def kind_of(value: object) -> str:
    """Name the kind of a value that is no number: string, bool, null, list or dict."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if value is None:
        return "null"
    return "list" if isinstance(value, list) else "dict"


def clean(value: object, depth: int = 0) -> JsonValue:
    """Bound a parsed value: texts, entries, depth; non-finite numbers become words."""
    if value is None or isinstance(value, bool):
        return value
    number = as_number(value)
    if number is not None:
        return to_number(number)
    if not isinstance(value, (list, dict)):
        return clean_text(str(value))
    if depth >= _MAX_DEPTH:
        return "… (nested deeper)"
    if isinstance(value, list):
        kept: list[JsonValue] = [clean(part, depth + 1) for part in value[:_MAX_ENTRIES]]
        if len(value) > _MAX_ENTRIES:
            kept.append(f"… ({len(value)} entries)")
        return kept
    entries = list(value.items())[:_MAX_ENTRIES]
    return {clean_text(str(key), MAX_KEY): clean(part, depth + 1) for key, part in entries}


def text_or_value(text: bytes) -> object:
    """Parse a JSON text, keeping the beginning of one that cannot be parsed."""
    value = parse_json(text)
    return text[:MAX_TEXT].decode("utf-8", "replace") if isinstance(value, NotJson) else value


def leaves(key: tuple[str, ...], value: object, depth: int = 0) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield (nested key, value) for a value, taking dictionaries apart, as newer SDKs do it themselves."""
    if isinstance(value, dict) and value and depth < _MAX_DEPTH:
        for part, inner in value.items():
            yield from leaves((*key, clean_text(str(part), MAX_KEY)), inner, depth + 1)
    else:
        yield key, value
