"""A second process that decodes segments, so that a large log is read on two processors.

The two talk through pipes: a request is the offset of a segment, an answer the pickled `Segment`. Answers come
in the order of the requests. Not multiprocessing: that would import the caller's main module again.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from struct import Struct
from threading import Thread
from typing import IO

from harness.evidence.disk.wandb_log.schema import Schema
from harness.evidence.disk.wandb_log.segment import Segment, decode_segment

_NUMBER = Struct("<Q")
_PATIENCE_S = 10.0
_CODE = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from harness.evidence.disk.wandb_log.helper import serve
serve(sys.argv[2], int(sys.argv[3]), sys.stdin.buffer, sys.stdout.buffer)
"""


class HelperLostError(Exception):
    """The helper died or does not answer; what it was asked is to be done here."""


class Helper:
    """The parent's side."""

    def __init__(self, path: Path, file_size: int) -> None:
        """Start the process.

        Raises:
            OSError: it cannot be started.
        """
        command = [sys.executable, "-I", "-c", _CODE, json.dumps(sys.path), str(path.absolute()), str(file_size)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        # A pipe holds little: without a thread the helper would wait while we work.
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for answer in _messages(self._process.stdout):
                self._answers.put(answer)
        self._answers.put(b"")

    def ask(self, offset: int) -> None:
        """Request the segment at `offset`.

        Raises:
            HelperLostError: the helper is gone.
        """
        if self._process.stdin is None:
            raise HelperLostError
        try:
            self._process.stdin.write(_NUMBER.pack(offset))
            self._process.stdin.flush()
        except OSError as error:
            raise HelperLostError from error

    def answer(self, wait_s: float) -> Segment | None:
        """Return the answer to the oldest request; None where it does not come within `wait_s` seconds.

        Raises:
            HelperLostError: the helper is gone.
        """
        try:
            answer = self._answers.get(timeout=wait_s) if wait_s else self._answers.get_nowait()
        except Empty:
            return None
        if not answer:
            raise HelperLostError
        segment: Segment = pickle.loads(answer)  # noqa: S301 - written by our own process
        return segment

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._listener.join(_PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def serve(path: str, file_size: int, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more; the helper's side.

    Raises:
        OSError: the file cannot be read; the parent finds that out for itself.
    """
    schema = Schema()
    with Path(path).open("rb") as stream:
        while request := requests.read(_NUMBER.size):
            segment = decode_segment(stream, _NUMBER.unpack(request)[0], file_size, schema)
            if segment is None:
                return
            answer = pickle.dumps(segment, pickle.HIGHEST_PROTOCOL)
            answers.write(_NUMBER.pack(len(answer)))
            answers.write(answer)
            answers.flush()


def _messages(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the answers of a helper until it ends."""
    while len(size := stream.read(_NUMBER.size)) == _NUMBER.size:
        yield stream.read(_NUMBER.unpack(size)[0])
