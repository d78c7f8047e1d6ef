"""What the server holds, as the W&B public API tells it."""

from typing import Literal

from harness.evidence.models.base import Fact, JsonValue, Trouble


class ServerSeries(Fact):
    """One history metric, judged from `historyKeys` and a bounded sample."""

    key: str
    count: int
    numbers: int = 0
    others: int = 0
    """Values that are no numbers (strings, objects)."""
    non_finite: int = 0
    last: JsonValue = None
    first_step: int | None = None
    last_step: int | None = None
    backward_steps: int = 0
    sketch: tuple[tuple[float, float], ...] = ()
    """At most 200 (step, value) points; finite values only."""
    times: tuple[float, ...] = ()
    """Unix seconds of the sketch's points, where known."""


class SystemSeries(Fact):
    """One system metric, e.g. `system.gpu.0.gpu`."""

    key: str
    count: int
    first: float | None = None
    last: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    sketch: tuple[tuple[float, float], ...] = ()
    """At most 200 (seconds since the run began, value) points."""


class ServerRun(Fact):
    """One run on the server."""

    entity: str
    project: str
    id: str
    name: str = ""
    state: str = ""
    url: str = ""
    created_at: float | None = None
    heartbeat_at: float | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    job_type: str | None = None
    username: str | None = None
    found_by: Literal["token", "id", "slurm_job", "window", "asked"] = "token"
    """How the run was recognised as this job's."""
    config: dict[str, JsonValue] = {}
    summary: dict[str, JsonValue] = {}
    last_step: int | None = None
    rows: int | None = None
    series: dict[str, ServerSeries] = {}
    system: dict[str, SystemSeries] = {}
    system_last_at: float | None = None
    """When the newest of these samples was taken, unix seconds."""
    system_samples: int = 0
    """Samples that were read, at most 500."""
    event_rows: int | None = None
    """Samples of system metrics that the server has; None where it was not asked."""
    console_lines: int | None = None
    """Lines of console output that the server has; None where it was not asked."""
    files: tuple[str, ...] = ()
    metadata: dict[str, JsonValue] = {}
    """wandb-metadata.json, or the config's `_wandb.e` where newer SDKs keep it."""
    sdk_version: str | None = None
    python_version: str | None = None
    host: str | None = None
    slurm_job_id: str | None = None
    restart_count: str | None = None
    exit_code: int | None = None
    detailed: bool = True
    """False where only the listing was read (one of many duplicates)."""


class ServerReading(Fact):
    """What the reader asked and what it got."""

    status: Literal["read", "not_asked", "failed"] = "not_asked"
    reader_version: str | None = None
    runs: tuple[ServerRun, ...] = ()
    runs_total: int = 0
    """Runs that belong to the job, also those not listed in `runs`."""
    requests: int = 0
    waited_s: float = 0.0
    """Seconds given to eventually consistent reads."""
    clock_ahead_s: float | None = None
    """So many seconds the clock here is ahead of the server's; asked where a run goes on."""
    trouble: Trouble | None = None
    partial: tuple[Trouble, ...] = ()
    """Parts of a run that could not be read (its events, say), while the rest could."""
