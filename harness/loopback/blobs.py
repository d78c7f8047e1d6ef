"""Contents of files on disk, named by their digest, so that a file of any size passes through in pieces."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PIECE = 2**20


@dataclass(frozen=True)
class Blob:
    """One content: where it lies, its size in bytes, and its digests in hexadecimal.

    One that is made of `parts` lies where they lie; what stands for its SHA-256 is that of their digests.
    """

    path: Path = field(repr=False)
    sha256: str
    md5: str
    size: int
    parts: tuple[Blob, ...] = field(repr=False, default=())

    @property
    def md5_base64(self) -> str:
        """The MD5 digest as W&B's API writes it."""
        return base64.b64encode(bytes.fromhex(self.md5)).decode()

    def read(self) -> bytes:
        """The whole content: for files that are known to be small."""
        return b"".join(self.pieces())

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, in pieces."""
        end = self.size if end is None else end
        if self.parts:
            before = 0
            for part in self.parts:
                yield from part.pieces(max(0, start - before), max(0, min(part.size, end - before)))
                before += part.size
            return
        with self.path.open("rb") as stream:
            stream.seek(start)
            left = end - start
            while left > 0 and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece


class Blobs:
    """A folder of contents; without a folder of its own it takes a temporary one, gone when it is closed."""

    def __init__(self, folder: Path | None = None) -> None:
        self._given = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._known: dict[str, Blob] = {}

    @functools.cached_property
    def _folder(self) -> Path:
        with self._lock:
            if self._given is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="loopback-", ignore_cleanup_errors=True)
            folder = Path(self._temporary.name) if self._temporary else self._given
            if folder is None:
                raise FileNotFoundError("no folder for files")
            folder.mkdir(parents=True, exist_ok=True)
            return folder

    def receive(self, pieces: Iterable[bytes]) -> Blob:
        """Keeps what comes; it is named when it is whole, so a content that was cut short leaves nothing.

        Raises:
            OSError: the folder is full or gone.
        """
        unfinished = self._folder / f"{os.getpid()}-{next(self._numbers)}.part"
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        try:
            with unfinished.open("wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                    sha256.update(piece)
                    md5.update(piece)
                    size += len(piece)
            path = self._folder / sha256.hexdigest()
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return self._remember(Blob(path, sha256.hexdigest(), md5.hexdigest(), size))

    def _remember(self, blob: Blob) -> Blob:
        with self._lock:
            return self._known.setdefault(blob.sha256, blob)

    def of(self, content: bytes) -> Blob:
        """Keeps a content that is in memory."""
        return self.receive((content,))

    def joined(self, parts: Sequence[Blob], md5: str) -> Blob:
        """One content made of several, one after the other, without a copy; `md5` is what its sender says it is."""
        digest = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
        size = sum(part.size for part in parts)
        return self._remember(Blob(parts[0].path, digest, md5, size, tuple(parts)))

    def find(self, sha256: str) -> Blob | None:
        """A content that was kept before, None if it is not there."""
        with self._lock:
            known = self._known.get(sha256)
        if known is not None:
            return known
        path = self._folder / sha256
        if not (sha256.isalnum() and path.is_file()):
            return None
        md5, size = hashlib.md5(usedforsecurity=False), path.stat().st_size
        for piece in Blob(path, sha256, "", size).pieces():
            md5.update(piece)
        return self._remember(Blob(path, sha256, md5.hexdigest(), size))

    def close(self) -> None:
        """Removes a temporary folder."""
        with self._lock:
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None
                self.__dict__.pop("_folder", None)
