"""What the user asked for, as one frozen object, and the error of a value that cannot be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.evidence.redaction.redactor import redact
from harness.settings.places import CHECK_IN_CLONE

ROLES = ("loss", "acc")
"""The series that the built-in job logs; of one's own job the roles that its series play."""
AUTO = "auto"
EPOCHS = 4
"""Epochs of the built-in job: as many points as each of its series must have."""


class SettingsError(ValueError):
    """A value that cannot be used; the message says what is wrong and what to do, without any key that stood there."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


@dataclass(frozen=True)
class SlurmSettings:
    """What a Slurm job is submitted with."""

    account: str | None = None
    partition: str = "dev-g"
    nodes: int = 1
    gpus: int = 8
    time: str = "00:10:00"
    container: Path | None = None
    queue_timeout_min: float = 60
    launcher: Literal["torchrun", "srun"] = "torchrun"
    keep: bool = False
    attach: str | None = None
    dry_run: bool = False
    site: Path | None = None
    """A YAML file with what differs from LUMI."""


@dataclass(frozen=True)
class Outage:
    """An outage of the server to play on the job."""

    when: Literal["start", "middle", "end"]
    how: Literal["refuse", "5xx", "silence", "slow", "401"]


Requeue = Literal["sigterm", "kill", "twice", "usr1"]
"""How the job is ended before it is started again: SIGTERM and SIGKILL, SIGKILL at once (its node failed), the first
twice in a row, and USR1 ahead of it."""


@dataclass(frozen=True)
class Settings:
    """The question, checked; paths are absolute."""

    target: Literal["local", "slurm", "none"]
    source: Literal["job", "run", "run_dir", "job_log", "replay"]
    server: Literal["loopback", "real", "none"]
    cwd: Path
    job: Path | None = None
    """The user's own script; of a module the file that it is in."""
    job_module: str | None = None
    """The module, where the job is one: it is started by its name."""
    job_args: tuple[str, ...] = ()
    nproc: int = 2
    offline: bool = False
    sync: bool = False
    run: tuple[str, str, str] | None = None
    """Entity, project and run id."""
    run_server: str | None = None
    run_dir: Path | None = None
    job_log: Path | None = None
    """As it was given: a file, or a pattern."""
    job_logs: tuple[Path, ...] = ()
    replay: Path | None = None
    try_cure: bool = False
    """Whether cures are carried out on a copy, to see whether they help."""
    rehearse: Literal["", "outage", "requeue", "all"] = ""
    outages: tuple[Outage, ...] = ()
    """The outages to play, where any are."""
    requeues: tuple[Requeue, ...] = ()
    """The requeues to play, where any are."""
    expect: tuple[str, ...] = ROLES
    expect_auto: bool = False
    """Whether these are roles, played by the series that look like a loss and an accuracy."""
    expect_points: int = 2
    report: Path | None = None
    typed: tuple[str, ...] = ()
    """Variables whose options were typed, and which count for nothing beside them."""
    command: str = CHECK_IN_CLONE
    """What the user types to verify."""
    slurm: SlurmSettings = SlurmSettings()

    @property
    def job_kind(self) -> Literal["builtin", "script", "batch"]:
        """What is started: the built-in job, Python by the launcher of ours, or a shell script as it is."""
        if self.job is None:
            return "builtin"
        return "script" if self.job_module or self.job.suffix == ".py" else "batch"
