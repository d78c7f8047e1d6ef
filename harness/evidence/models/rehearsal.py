"""What a rehearsal played, and what job, disk and server did meanwhile; one `Rehearsal` for each case."""

from typing import Literal

from harness.evidence.models.base import Fact, JsonValue
from harness.evidence.models.job import PythonError

Kind = Literal["outage", "requeue"]
When = Literal["start", "middle", "end"]
How = Literal["refuse", "5xx", "silence", "slow", "401", "kill", "twice", "usr1", "slurm"]
"""Of an outage how the server is gone; of a requeue how the job is ended, where not by SIGTERM and then SIGKILL."""


class Attempt(Fact):
    """One start of the job within a rehearsal; times in seconds since the case began."""

    begun_s: float = 0.0
    ended_s: float = 0.0
    exit_code: int | None = None
    signal: str | None = None
    """What ended it, where the exit code does not tell."""
    over_limit: bool = False
    """It still ran when the case's time was over, so the harness ended it."""
    stuck: tuple[str, ...] = ()
    """Where its Python stood then, innermost first: `FILE, line N in FUNCTION`."""
    errors: tuple[PythonError, ...] = ()
    run_ids: tuple[str, ...] = ()
    """Runs that left a directory, in the order in which they began."""
    resumed: bool = False
    """The run's own record says that it was resumed."""
    rows: int = 0
    """Rows that its run directories hold."""
    ended_in_order: bool = False
    """Every run directory has the record of the run's end."""
    dropped: str | None = None
    """The SDK's word on rows that it dropped because their step had been before."""

    @property
    def lasted_s(self) -> float:
        """Seconds from its start to its end."""
        return self.ended_s - self.begun_s


class Missing(Fact):
    """A point that the disk has and the server lacks, or has with another value."""

    run_id: str
    key: str
    step: int
    on_disk: JsonValue
    on_server: JsonValue = None


class Sync(Fact):
    """What brought the rest to the server: one command for each run directory, and how the worst of them ended."""

    commands: tuple[str, ...]
    exit_code: int | None
    output: tuple[str, ...] = ()


class Rehearsal(Fact):
    """One case: what was played, and what came of it. Times in seconds since the case began."""

    kind: Kind
    when: When | None = None
    how: How | None = None
    not_played: str = ""
    """Why there is nothing to judge: the moment for it never came, or the harness had trouble of its own."""
    undisturbed_s: float = 0.0
    undisturbed_rows: int = 0
    undisturbed_first_step: int | None = None
    """Step of its first row."""
    struck_s: float | None = None
    """When the outage began, or the signal was sent."""
    back_s: float | None = None
    """When the server was back; None: only after the job had ended."""
    grace_used_s: float | None = None
    """Of a requeue: seconds after the signal at which the last process had ended; None: SIGKILL ended it."""
    attempts: tuple[Attempt, ...] = ()
    runs_on_server: tuple[str, ...] = ()
    rows_on_disk: int = 0
    rows_on_server: int = 0
    """Before anything was synced."""
    sync: Sync | None = None
    rows_after_sync: int | None = None
    compared: int = 0
    """Points of the disk that were sought on the server."""
    missing: tuple[Missing, ...] = ()
    """At most 20 of them."""
    missing_count: int = 0

    @property
    def name(self) -> str:
        """What was played, in a few words."""
        if self.kind == "outage":
            return f"outage: {self.how} at the {self.when}"
        named = {"kill": "node failure", "twice": "twice", "usr1": "USR1", "slurm": "by Slurm"}
        return f"requeue: {named[self.how]}" if self.how else "requeue"

    @property
    def in_the_end(self) -> int:
        """Rows that the server has when all is done."""
        return self.rows_on_server if self.rows_after_sync is None else self.rows_after_sync


class Rehearsals(Fact):
    """All cases, and what the script's text says of identity."""

    cases: tuple[Rehearsal, ...] = ()
    skipped: str = ""
    """Why nothing was rehearsed."""
    init_arguments: dict[str, str] = {}
    """`id` and `resume` as the script gives them to `wandb.init()`, and WANDB_RUN_ID and WANDB_RESUME where set."""
