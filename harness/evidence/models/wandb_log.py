"""What a `.wandb` transaction log holds, as plain frozen data that fits into a JSON file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

# JSON has no NaN: non-finite numbers are kept as the words that the W&B server uses for them.
NonFinite = Literal["NaN", "Infinity", "-Infinity"]
Number = int | float | NonFinite

LogStatus = Literal[
    "complete",  # an exit record, nothing skipped
    "no_exit_record",  # ends between two records: killed, or still being written
    "torn",  # ends inside a record: killed, copied halfway, or still being written
    "damaged",  # bytes were skipped before the end of the file
    "header_only",  # 7 bytes: the process died before the first 32 KiB block was written
    "empty",  # 0 bytes: the same, with SDKs up to 0.19
    "not_a_wandb_file",
    "missing",
    "unreadable",  # the operating system refused
]


class Model(BaseModel):
    """Frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogProblem(Model):
    """One place where bytes of the file could not be used.

    `offset` and `skipped_bytes` are in bytes of the file; `what` is a stable word, `detail` a sentence.
    """

    offset: int
    what: str
    skipped_bytes: int
    detail: str = ""


class SeriesSummary(Model):
    """One metric of `run.log()`.

    Steps are W&B steps. `first`, `last`: the first and last number, finite or not;
    `min`, `max`: over finite numbers. `sketch`: at most 200 (step, value) of the numbers, evenly spaced in
    samples, the last one included.
    """

    key: str
    count: int
    count_number: int
    count_non_finite: int
    count_other: int
    types: dict[str, int]
    first: Number | None
    last: Number | None
    min: int | float | None
    max: int | float | None
    constant: bool
    first_step: int | None
    last_step: int | None
    repeated_steps: int
    backward_steps: int
    first_non_finite_step: int | None
    sketch: tuple[tuple[int, Number], ...]


class SystemSeriesSummary(Model):
    """One system metric, such as `gpu.0.powerWatts`.

    The sketch holds at most 200 (seconds since the log's `system_first_time`, value).
    """

    key: str
    count: int
    count_number: int
    first: Number | None
    last: Number | None
    min: int | float | None
    max: int | float | None
    sketch: tuple[tuple[float, Number], ...]


class RunFacts(Model):
    """What the run record says; empty strings where it says nothing."""

    entity: str = ""
    project: str = ""
    run_id: str = ""
    display_name: str = ""
    group: str = ""
    job_type: str = ""
    tags: tuple[str, ...] = ()
    host: str = ""
    sweep_id: str = ""
    start_time: float | None = None
    resumed: bool = False
    forked: bool = False
    starting_step: int = 0


class LocalEnvironment(Model):
    """The environment record (newer SDKs; older ones keep it in `wandb-metadata.json`)."""

    os: str = ""
    python: str = ""
    host: str = ""
    executable: str = ""
    program: str = ""
    args: tuple[str, ...] = ()
    started_at: float | None = None
    cpu_count: int = 0
    cpu_count_logical: int = 0
    gpu: str = ""
    gpu_count: int = 0
    gpu_amd: tuple[dict[str, JsonValue], ...] = ()
    gpu_nvidia: tuple[dict[str, JsonValue], ...] = ()
    slurm: dict[str, str] = {}


class LocalLog(Model):
    """Everything that one `.wandb` file tells, in bounded space.

    `records` counts records by type. `config` and `summary` are flat: nested keys are joined with a dot.
    `rows_before_damage` counts the rows in front of the first damaged place, where `wandb sync` stops; None where
    nothing is damaged. `*_dropped` count what did not fit the bounds. `torn_at` is the offset of the record that the
    end of the file cuts off. `row_times` are those of the last 100 rows; `longest_pause_s` is the longest time between
    two rows, the first three aside. Times are Unix seconds, sizes bytes.
    """

    path: str
    status: LogStatus
    error: str = ""
    size_bytes: int = 0
    version: int | None = None
    problems: tuple[LogProblem, ...] = ()
    problems_dropped: int = 0
    skipped_bytes: int = 0
    torn_at: int | None = None
    records: dict[str, int] = {}

    run: RunFacts | None = None
    sdk_version: str = ""
    python_version: str = ""
    platform: str = ""
    settings: dict[str, JsonValue] = {}
    environment: LocalEnvironment | None = None
    writer_labels: tuple[str, ...] = ()

    config: dict[str, JsonValue] = {}
    config_dropped: int = 0
    summary: dict[str, JsonValue] = {}
    summary_dropped: int = 0

    history_rows: int = 0
    rows_before_damage: int | None = None
    first_step: int | None = None
    last_step: int | None = None
    repeated_steps: int = 0
    backward_steps: int = 0
    history_first_time: float | None = None
    history_last_time: float | None = None
    row_times: tuple[float, ...] = ()
    longest_pause_s: float | None = None
    series: dict[str, SeriesSummary] = {}
    series_dropped: int = 0

    system: dict[str, SystemSeriesSummary] = {}
    system_dropped: int = 0
    system_samples: int = 0
    system_first_time: float | None = None
    system_last_time: float | None = None

    console_lines: int = 0
    files: tuple[str, ...] = ()
    files_dropped: int = 0

    has_exit: bool = False
    exit_code: int | None = None
    runtime_s: int | None = None
    preempting: bool = False
