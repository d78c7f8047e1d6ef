"""Follows a job's output file: not there yet, growing, or begun anew by a requeue."""

from __future__ import annotations

from pathlib import Path

from harness.targets.process import LogFollower


class OutputFile:
    """One output file on a shared file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restarts = 0
        """How often the file got shorter: a requeue without --open-mode=append throws the old output away."""
        self._follower: LogFollower | None = None
        self._size = 0
        self._inode = 0

    def size(self) -> int:
        """Return the size in bytes; 0 while the file is not there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def new_lines(self, *, final: bool = False) -> list[str]:
        """Return the lines that came since the last call, a mebibyte at most."""
        try:
            state = self.path.stat()
        except OSError:
            return []
        if self._follower and (state.st_size < self._size or state.st_ino != self._inode):
            self.restarts += 1
            self.close()
        if self._follower is None:
            self._follower = LogFollower(self.path)
        self._size, self._inode = state.st_size, state.st_ino
        return self._follower.new_lines(final=final)

    def close(self) -> None:
        """Close the file."""
        if self._follower:
            self._follower.close()
            self._follower = None
