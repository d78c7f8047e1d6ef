"""What was asked for: the part of the settings that diagnosis needs, frozen into the evidence."""

from typing import Literal

from harness.evidence.models.base import Fact

Source = Literal["job", "run", "run_dir", "job_log"]
"""Where the evidence comes from: a job of ours, a run on the server, a folder on disk, job output alone."""


class Request(Fact):
    """The question that this evidence answers."""

    source: Source = "job"
    target: Literal["local", "slurm", "none"] = "local"
    server: Literal["loopback", "real", "none"] = "loopback"
    job_kind: Literal["builtin", "script", "batch", "none"] = "builtin"
    job_path: str | None = None
    job_module: str | None = None
    job_args: tuple[str, ...] = ()
    nproc: int | None = None
    """Ranks on each node."""
    nodes: int = 1
    offline: bool = False
    sync: bool = False
    expect: tuple[str, ...] = ("loss", "acc")
    expect_auto: bool = False
    """Whether `expect` are roles, played by the series that look like a loss and an accuracy."""
    expect_points: int = 2
    run_path: str | None = None
    """ENTITY/PROJECT/RUN_ID of an existing run."""
    run_dir: str | None = None
    job_log: str | None = None
    rehearse: Literal["", "outage", "requeue", "all"] = ""
    given: dict[str, str] = {}
    """Options that the user gave beside a job that ran already, and that it may contradict."""
    typed: tuple[str, ...] = ()
    """Variables of the harness whose options were typed: a cure that sets one of them would change nothing."""
    command: str = "pytest checks"
    """What the user types to verify: advice names it."""
    wandb: str = "wandb"
    """How the SDK's own command is called there: advice names it."""
    token: str | None = None
    """The tag by which runs of this job are found on the server."""

    @property
    def world_size(self) -> int | None:
        """Ranks in all, where they are known."""
        return self.nproc * self.nodes if self.nproc else None

    @property
    def wants_server(self) -> bool:
        """Whether the run is meant to be on a server at all."""
        return self.server != "none" and (not self.offline or self.sync)
