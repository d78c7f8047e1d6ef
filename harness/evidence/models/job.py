"""What the job did: how it was launched, how it ended, and what it printed."""

from bisect import bisect_right
from typing import Literal

from pydantic import ConfigDict

from harness.evidence.models.base import Fact, Trouble

Ending = Literal[
    "not_submitted", "refused", "pending", "running", "completed", "failed",
    "timeout", "cancelled", "out_of_memory", "node_fail", "interrupted", "unknown",
]  # fmt: skip


class OutputLine(Fact):
    """A line of job output, bounded in length, secrets replaced; numbers start at 1."""

    number: int
    text: str
    """Without colour codes and without the launcher's prefix."""
    prefix: str = ""
    """What the launcher put before the line, e.g. `[default1]:` (torchrun) or `3:` (srun -l)."""


class RunLink(Fact):
    """A run that the SDK announced in the output."""

    url: str
    entity: str
    project: str
    run_id: str
    line: int


class Login(Fact):
    """A `Currently logged in as` line."""

    username: str
    entity: str | None = None
    host: str | None = None
    line: int


class PythonError(Fact):
    """A Python traceback in the output: the exception and the lines around it."""

    exception: str
    """Qualified name as printed, e.g. `wandb.errors.errors.CommError`."""
    message: str
    line: int
    rank: int | None = None
    """From a `[rankN]:` prefix."""
    local_rank: int | None = None
    """From torchrun's `[defaultN]:` prefix."""
    frames: tuple[str, ...] = ()
    """The last frames, innermost last: `File "…", line N, in f`."""
    count: int = 1
    """How often this exception was printed with this message, digits aside."""


class RankSeen(Fact):
    """A rank that said it joined the process group."""

    rank: int
    world_size: int
    local_rank: int | None = None
    host: str | None = None
    device: str | None = None


class EpochSeen(Fact):
    """An epoch as the training script printed it: `Epoch N, Loss: x` and `Accuracy: y%`."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    epoch: int
    loss: float | None = None
    acc: float | None = None
    line: int = 0


class ProcessSeen(Fact):
    """A worker process that ended badly, as its launcher reported it."""

    rank: int | None = None
    local_rank: int | None = None
    exit_code: int | None = None
    signal: str | None = None
    """`SIGKILL`, …; `OUT_OF_MEMORY` where Slurm says so."""
    host: str | None = None
    task: int | None = None
    """srun's task number."""
    first: bool = False
    """The launcher names it as the first failure."""
    line: int = 0


class JobOutput(Fact):
    """What was read from the job's output: parsed marks, notable lines, and the tail."""

    path: str | None = None
    size_bytes: int = 0
    lines: int = 0
    links: tuple[RunLink, ...] = ()
    logins: tuple[Login, ...] = ()
    credentials_from: tuple[str, ...] = ()
    """Sources in `Loaded credentials for HOST from SOURCE` lines."""
    sdk_versions: tuple[str, ...] = ()
    errors: tuple[PythonError, ...] = ()
    ranks: tuple[RankSeen, ...] = ()
    epochs: tuple[EpochSeen, ...] = ()
    """At most 1,000: the first and the last ones."""
    epochs_total: int = 0
    """All epoch lines, those of several ranks or attempts included."""
    processes: tuple[ProcessSeen, ...] = ()
    """Workers that ended badly, as torchrun and srun told."""
    run_dirs: tuple[str, ...] = ()
    """Run directories that the SDK announced."""
    wandb_lines: tuple[OutputLine, ...] = ()
    """Lines that the SDK printed (`wandb: …`), at most 300."""
    notable: tuple[OutputLine, ...] = ()
    """Lines that look like trouble, whoever printed them, at most 300."""
    tail: tuple[OutputLine, ...] = ()
    """The last lines, at most 60."""
    file_starts: tuple[int, ...] = ()
    """Number of the first line of each file, where there are several; lines are counted over all of them."""
    touched_at: float | None = None
    """When the job last wrote to it, unix seconds."""
    trouble: Trouble | None = None

    def file_of(self, line: int) -> int:
        """Say which file a line is in, from 0 on: of lines in different files none came before the other."""
        return max(bisect_right(self.file_starts, line) - 1, 0)


class SlurmState(Fact):
    """A state of the Slurm job and when it was first seen, in unix seconds."""

    state: str
    reason: str = ""
    at: float


class SlurmStep(Fact):
    """A step of the job as sacct shows it: the batch script, or what srun started."""

    id: str
    state: str
    exit_code: str = ""
    """`EXIT:SIGNAL`."""
    tasks: int | None = None


class SlurmLaunch(Fact):
    """A line of the batch script that starts ranks."""

    line: str
    launcher: str
    """The outer one first: `srun torchrun`."""
    ranks: int | None = None
    """None where it is known on the nodes alone."""


class SlurmAttempt(Fact):
    """One of the starts of a job that was requeued, as accounting tells it."""

    state: str
    started_at: float | None = None
    ended_at: float | None = None
    nodes: tuple[str, ...] = ()


class SlurmJob(Fact):
    """The scheduler's side of the story, in Slurm's own words."""

    job_id: str | None = None
    """As it was asked for: `ID`, `ID_TASK` of an array, `ID+COMPONENT` of a heterogeneous job."""
    raw_id: str | None = None
    """The number that Slurm gives to a task or a component beside that."""
    leader: str | None = None
    """Of a component: the number of the whole job, which its processes have as SLURM_JOB_ID."""
    step: str | None = None
    """The job step that was asked for, where not the whole job is meant."""
    submit_stderr: str = ""
    submit_exit_code: int | None = None
    states: tuple[SlurmState, ...] = ()
    final_state: str | None = None
    """From sacct where it answers, else the last state seen."""
    exit_code: str | None = None
    """As sacct prints it: `EXIT:SIGNAL`."""
    restarts: int = 0
    nodes: tuple[str, ...] = ()
    account: str | None = None
    partition: str | None = None
    time_limit: str | None = None
    expected_start: str | None = None
    elapsed_s: float | None = None
    gpus: int | None = None
    """On all nodes together."""
    gpu_hours: float | None = None
    max_rss: str | None = None
    steps: tuple[SlurmStep, ...] = ()
    earlier: tuple[str, ...] = ()
    """How the same job ended before it was requeued, from sacct."""
    output_restarts: int = 0
    """How often the output file was begun anew while it was followed."""
    sbatch_variables: dict[str, str] = {}
    """SBATCH_* variables that sbatch saw: they win over the script's lines."""
    attached: bool = False
    """The job was submitted by an earlier verification."""
    script_path: str | None = None
    launches: tuple[SlurmLaunch, ...] = ()
    """How the batch script starts its ranks, at most eight lines."""
    attempts: tuple[SlurmAttempt, ...] = ()
    """Every start of a job that was requeued, the earliest first."""
    submitted_with: dict[str, str] | None = None
    """W&B's variables when the job was submitted, secrets replaced; None where nobody kept them."""
    script_sets: tuple[str, ...] = ()
    """W&B's variables that the batch script sets by itself."""
    kept_out: tuple[str, ...] = ()
    """Words of the submission that keep variables of the login node out of the job: `--export=NONE`, `--cleanenv`."""
    unloaded: tuple[str, ...] = ()
    """Words of the batch script that take away what modules had set: `module purge`."""
    container: str | None = None
    container_action: Literal["run", "exec", "shell"] | None = None
    """How a batch script starts the container, where it says so."""
    container_exists: bool | None = None
    container_wandb: str | None = None
    """Version of wandb in the image where it could be told, `missing` where it is not there."""
    troubles: tuple[Trouble, ...] = ()


class Job(Fact):
    """One job: submitted or started by the harness, or told of by its output alone."""

    ending: Ending = "unknown"
    argv: tuple[str, ...] = ()
    cwd: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    stopped_by_harness: str | None = None
    """Why the harness ended the job (time limit, interrupt), or None."""
    output: JobOutput = JobOutput()
    processes: tuple[ProcessSeen, ...] = ()
    slurm: SlurmJob | None = None
