"""Takes secrets out of whole evidence, and out of a file of job output, before anybody else sees them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel

from harness.evidence.redaction.redactor import Redactor, strip_control

F = TypeVar("F", bound=BaseModel)
_HINT = re.compile(
    rb"wandb_v\d|[0-9a-fA-F]{40}|YXBpO|eyJ|://[^\s/]*@|key|token|password|secret|authorization|\x1b", re.IGNORECASE
)
"""What a line with a secret, or with colours that hide one, holds at the least."""
_LONGEST_LINE = 1 << 20


def redacted(fact: F, redactor: Redactor) -> F:
    """The same evidence with every text in it redacted; words of a fixed list are none."""
    fields = type(fact).model_fields
    changed = {
        name: new
        for name, field in fields.items()
        if not _fixed(field.annotation) and (new := _redacted(old := getattr(fact, name), redactor)) is not old
    }
    return fact.model_copy(update=changed) if changed else fact


def _fixed(annotation: Any) -> bool:
    return Literal in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def _redacted(value: Any, redactor: Redactor) -> Any:
    """The value, or the very same object where nothing in it changes."""
    if isinstance(value, BaseModel):
        return redacted(value, redactor)
    if isinstance(value, str):
        shown = redactor.text(value)
        return value if shown == value else shown
    if isinstance(value, dict):
        pairs = {_redacted(key, redactor): _redacted(item, redactor) for key, item in value.items()}
        same = len(pairs) == len(value) and all(key in value and item is value[key] for key, item in pairs.items())
        return value if same else pairs
    if isinstance(value, (list, tuple)):
        items = [_redacted(item, redactor) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else type(value)(items)
    return value


def redact_file(path: Path, redactor: Redactor) -> None:
    """Replace the lines of a file that hold a secret; a file without any stays as it is.

    So does one that a link leads to in another folder: it is the user's own.

    Raises:
        OSError: the file cannot be read, or neither replaced nor overwritten.
    """
    real = path.resolve()
    if not real.is_file() or real.parent != path.parent.resolve() or not any(_changes(real, redactor)):
        return
    try:
        _replace(real, redactor)
    except OSError:  # a disk that is full has no room for a second copy
        _overwrite(real, redactor)


def _replace(path: Path, redactor: Redactor) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as clean:
            for raw in _lines(path):
                clean.write(_line(raw, redactor) or raw)
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:  # an interrupt, too, leaves no half of a copy behind
        Path(name).unlink(missing_ok=True)
        raise


def _overwrite(path: Path, redactor: Redactor) -> None:
    """Replace lines within the file, each by one of the same length: that takes no room."""
    with path.open("r+b") as file:
        at = 0
        while raw := file.readline(_LONGEST_LINE):
            if (shown := _line(raw, redactor)) is not None:
                file.seek(at)
                file.write(_fitted(shown, raw))
            at += len(raw)
            file.seek(at)


def _fitted(shown: bytes, raw: bytes) -> bytes:
    end = b"\n" if raw.endswith(b"\n") else b""
    room, text = len(raw) - len(end), shown.removesuffix(b"\n")
    return (text.ljust(room) if len(text) <= room else b"*" * room) + end


def _changes(path: Path, redactor: Redactor) -> Iterator[bool]:
    return (_line(raw, redactor) is not None for raw in _lines(path))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while raw := file.readline(_LONGEST_LINE):
            yield raw


def _line(raw: bytes, redactor: Redactor) -> bytes | None:
    """The line without its secrets; None where it has none, for then its colours may stay as well."""
    if not _HINT.search(raw) and not redactor.knows(raw):
        return None
    text = strip_control(raw.decode("utf-8", "replace"))
    shown = redactor.text(text)
    return None if shown == text else shown.encode()
