"""Contents on disk: named by digest, read in stretches, joined without a copy, gone with the server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.loopback.blobs import PIECE, Blobs


def test_a_content_is_kept_once_under_its_digest(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    first, second = blobs.of(b"content"), blobs.receive([b"con", b"tent"])
    assert first == second
    assert first.path.name == hashlib.sha256(b"content").hexdigest()
    assert (first.md5, first.size, first.read()) == (hashlib.md5(b"content").hexdigest(), 7, b"content")
    assert [path.name for path in tmp_path.iterdir()] == [first.sha256]


def test_a_content_that_is_cut_short_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        Blobs(tmp_path).receive(pieces())
    assert list(tmp_path.iterdir()) == []


def test_another_server_finds_what_was_kept(tmp_path: Path) -> None:
    kept = Blobs(tmp_path).of(b"content")
    assert Blobs(tmp_path).find(kept.sha256) == kept
    assert Blobs(tmp_path).find("0" * 64) is None
    assert Blobs(tmp_path).find("../../etc/passwd") is None


@pytest.mark.parametrize(("start", "end", "wanted"), [(0, None, b"abcdef"), (1, 5, b"bcde"), (6, 6, b"")])
def test_a_joined_content_reads_as_one(tmp_path: Path, start: int, end: int | None, wanted: bytes) -> None:
    blobs = Blobs(tmp_path)
    joined = blobs.joined([blobs.of(b"abc"), blobs.of(b"d"), blobs.of(b"ef")], "5" * 32)
    assert (joined.size, b"".join(joined.pieces(start, end))) == (6, wanted)
    assert blobs.find(joined.sha256) is joined


def test_a_large_content_comes_in_pieces(tmp_path: Path) -> None:
    blob = Blobs(tmp_path).receive(b"x" * PIECE for _ in range(3))
    assert [len(piece) for piece in blob.pieces(1)] == [PIECE, PIECE, PIECE - 1]


def test_a_temporary_folder_is_gone_at_the_end() -> None:
    blobs = Blobs()
    folder = blobs.of(b"content").path.parent
    assert folder.exists()
    blobs.close()
    assert not folder.exists()
