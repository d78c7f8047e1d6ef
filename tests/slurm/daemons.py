"""Starts and ends daemons in the foreground, and finds every process that a folder has left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Daemon:
    """One daemon that stays in the foreground; its output goes to a log of its own."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name, self.argv, self.log, self._env = name, list(argv), log, dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a session of its own."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env, start_new_session=True
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, grace_s: float = 10.0) -> None:
        """Ask it to end, then insist."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Stop it from answering, without ending it."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)


def wait_until(what: str, holds: Callable[[], bool], timeout_s: float = 30.0, every_s: float = 0.1) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it did not come true in time.
    """
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(every_s)


def belonging(mark: str) -> list[int]:
    """Return processes, other than this one, whose command line or environment mentions the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(folder.name)
            if pid == os.getpid():
                continue
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            if mark.encode() in text:
                found.append(pid)
    return found


def end_all(find: Callable[[], list[int]]) -> None:
    """Kill every process that is found, and what they fork meanwhile."""
    for _ in range(50):
        left = find()
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
