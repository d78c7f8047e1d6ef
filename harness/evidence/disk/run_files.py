"""Reads the small files of a run directory, bounded and without secrets."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.evidence.models.base import JsonValue, Trouble
from harness.evidence.redaction.redactor import cut

MOST_FILES = 200
_MOST_SEEN = 20_000
_LARGEST_JSON = 8 << 20
_MOST_ENTRIES = 500
_LONGEST_TEXT = 2000
_DEEPEST = 8
_CHUNK = 1 << 20
# Personal, and no evidence.
_LEFT_OUT = frozenset({"email", "username"})


def list_files(run_dir: Path) -> tuple[str, ...]:
    """Return the names of the run's files, relative to `files/`, sorted, at most 200; links are not followed."""
    found: list[str] = []
    for name in _walk(run_dir / "files", ""):
        found.append(name)
        if len(found) >= _MOST_SEEN:
            break
    return tuple(sorted(found)[:MOST_FILES])


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(folder / entry.name, f"{prefix}{entry.name}/")
                else:
                    yield f"{prefix}{entry.name}"
    except OSError:  # not there, or not ours to read: then there is nothing to list
        return


def read_json(path: Path, scrub: Callable[[str], str]) -> tuple[dict[str, JsonValue] | None, Trouble | None]:
    """Read a JSON object; non-finite numbers become the strings "NaN", "Infinity", "-Infinity".

    Returns:
        The object, cut to 500 entries a level and texts of 2,000 characters; None where there is no such file, or,
        with the trouble, where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_JSON + 1)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, Trouble.of_file(error, path)
    if len(raw) > _LARGEST_JSON:
        return None, Trouble(kind="other", text=f"larger than {_LARGEST_JSON >> 20} MiB", where=str(path))
    try:
        value = json.loads(raw.decode("utf-8", "replace"), parse_constant=str)
    except (ValueError, RecursionError):
        return None, Trouble(kind="other", text="not valid JSON", where=str(path))
    if not isinstance(value, dict):
        return None, Trouble(kind="other", text="not a JSON object", where=str(path))
    return {key: _bounded(item, scrub, 1) for key, item in _entries(value, scrub)}, None


def _entries(value: dict[str, JsonValue], scrub: Callable[[str], str]) -> Iterator[tuple[str, JsonValue]]:
    for count, (key, item) in enumerate(value.items()):
        if count >= _MOST_ENTRIES:
            return
        if key not in _LEFT_OUT:
            yield scrub(cut(key, _LONGEST_TEXT)), item


def _bounded(value: JsonValue, scrub: Callable[[str], str], depth: int) -> JsonValue:
    if isinstance(value, str):
        return scrub(cut(value, _LONGEST_TEXT))
    if isinstance(value, float) and value in (float("inf"), float("-inf")):  # a number like 1e999
        return "Infinity" if value > 0 else "-Infinity"
    if not isinstance(value, (dict, list)):
        return value
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {key: _bounded(item, scrub, depth + 1) for key, item in _entries(value, scrub)}
    return [_bounded(item, scrub, depth + 1) for item in value[:_MOST_ENTRIES]]


def count_lines(path: Path) -> int:
    """Return the number of lines of a text file, an unfinished last one included; 0 where it is not there."""
    count, last = 0, b"\n"
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                count += chunk.count(b"\n")
                last = chunk[-1:]
    except OSError:  # what can be counted is what could be read
        return count
    return count + (last != b"\n")
