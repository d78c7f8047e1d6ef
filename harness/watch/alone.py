"""Keeps a look that cron starts from being made while the one before is still at work: a lock for each question."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class BusyError(Exception):
    """Another process is at work on the same; the message says which, and since when."""


@contextmanager
def alone(folder: Path, question: Sequence[str]) -> Iterator[None]:
    """Hold the lock of a question while the block runs; the system frees it when the process ends, however it ends.

    Raises:
        BusyError: another process holds it.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("\0".join(question).encode()).hexdigest()[:12]
    with (folder / f".once-{name}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BusyError(
                f"the look before is still at work ({file.read().strip() or 'it has just begun'})"
            ) from None
        except OSError:  # a file system without locks
            yield
            return
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        file.flush()
        yield
