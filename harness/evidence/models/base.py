"""The base of every evidence model: immutable, strict about names, the same in memory and in JSON."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from typing_extensions import Self

JsonValue = Any
"""A value that JSON can carry; non-finite numbers stand as the strings "NaN", "Infinity", "-Infinity"."""


class Fact(BaseModel):
    """Something observed, without judgement."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Fact):
    """A phase of the verification; both ends in unix seconds."""

    name: str
    start: float
    end: float | None = None


class Trouble(Fact):
    """Why something could not be read: the kind of trouble, its own words, and where it arose."""

    kind: str
    """dns, refused, timeout, tls, proxy, reset, http, protocol, auth, not_found, missing, permission, disk, other."""
    text: str
    where: str = ""
    http_status: int | None = None

    @classmethod
    def of_file(cls, error: OSError | ValueError, path: Path) -> Self:
        """Say why a file cannot be read; a path with a null character is a ValueError."""
        kind = "other"
        if isinstance(error, FileNotFoundError):
            kind = "missing"
        elif isinstance(error, PermissionError):
            kind = "permission"
        elif isinstance(error, OSError) and not isinstance(error, IsADirectoryError):
            kind = "disk"
        words = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return cls(kind=kind, text=words, where=str(path))
