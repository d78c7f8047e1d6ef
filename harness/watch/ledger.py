"""What was watched is kept: an append-only table of states and problems, in one SQLite file of the report folder."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

NAME = "watched.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS seen (
  at REAL NOT NULL, job TEXT NOT NULL, event TEXT NOT NULL, state TEXT NOT NULL, steps INTEGER NOT NULL,
  problem TEXT NOT NULL, words TEXT NOT NULL, verdict TEXT NOT NULL, gpu_hours REAL, name TEXT NOT NULL DEFAULT ''
)"""


Event = Literal["begin", "state", "verified", "problem", "mended", "end"]


@dataclass(frozen=True)
class Entry:
    """One line: a state that was new, a problem, its mending, or the end; `at` in unix seconds."""

    at: float
    job: str
    event: Event
    state: str
    steps: int = 0
    problem: str = ""
    words: str = ""
    verdict: str = ""
    gpu_hours: float | None = None
    name: str = ""
    """Of the run, or else of the Slurm job."""


class Ledger:
    """The table; written by one watcher at a time or by several, read by anybody."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(folder / NAME, timeout=10.0)
        # Write-ahead: readers never wait. Where the file system cannot share memory (Lustre), SQLite says no, and
        # the usual journal stays.
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute(_SCHEMA)
        if "name" not in [column[1] for column in self._file.execute("PRAGMA table_info(seen)")]:
            self._file.execute("ALTER TABLE seen ADD COLUMN name TEXT NOT NULL DEFAULT ''")
        self._file.commit()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Append a line."""
        values = (entry.at, entry.job, entry.event, entry.state, entry.steps, entry.problem, entry.words,
                  entry.verdict, entry.gpu_hours, entry.name)  # fmt: skip
        with self._file:
            self._file.execute("INSERT INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def last(self, job: str) -> Entry | None:
        """Return the newest line of a job."""
        row = self._file.execute("SELECT * FROM seen WHERE job = ? ORDER BY rowid DESC LIMIT 1", (job,)).fetchone()
        return Entry(*row) if row else None

    def of(self, job: str) -> list[Entry]:
        """Return all lines of a job, oldest first."""
        rows = self._file.execute("SELECT * FROM seen WHERE job = ? ORDER BY rowid", (job,))
        return [Entry(*row) for row in rows]

    def jobs(self) -> list[Entry]:
        """Return the newest line of every job, the newest job last."""
        rows = self._file.execute(
            "SELECT * FROM seen WHERE rowid IN (SELECT max(rowid) FROM seen GROUP BY job) ORDER BY rowid"
        )
        return [Entry(*row) for row in rows]
