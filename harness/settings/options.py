"""The options of `pytest checks` as one table: flag, ini twin, environment twin, and what it means."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Option:
    """One option; its environment twin is `HARNESS_` and the ini name in capitals."""

    flag: str
    ini: str
    help: str
    kind: Literal["switch", "text", "number", "path"] = "text"
    metavar: str | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def dest(self) -> str:
        """Attribute of the parsed options."""
        return f"harness_{self.ini}"

    @property
    def variable(self) -> str:
        """Environment variable that sets it."""
        return f"HARNESS_{self.ini.upper()}"


OPTIONS: tuple[Option, ...] = (
    Option("--lumi", "lumi", "run the job on LUMI through Slurm, against the real W&B server", "switch"),
    Option("--lumi-account", "lumi_account", "Slurm account (project_<number>)", metavar="ACCOUNT"),
    Option("--lumi-partition", "lumi_partition", "Slurm partition", metavar="NAME"),
    Option("--lumi-nodes", "lumi_nodes", "nodes of the job", "number", "N", "1"),
    Option("--lumi-gpus", "lumi_gpus", "GPUs (GCDs) on each node", "number", "N"),
    Option("--lumi-time", "lumi_time", "time limit of the job", metavar="HH:MM:SS", default="00:10:00"),
    Option("--lumi-container", "lumi_container", "container image of the job", "path", "SIF"),
    Option(
        "--lumi-queue-timeout", "lumi_queue_timeout", "minutes to wait in the queue before giving up",
        "number", "MINUTES", "60",
    ),
    Option(
        "--lumi-launcher", "lumi_launcher", "how ranks are started in the batch script",
        default="torchrun", choices=("torchrun", "srun"),
    ),
    Option("--lumi-keep", "lumi_keep", "leave the job running when the harness is interrupted", "switch"),
    Option(
        "--lumi-attach", "lumi_attach", "verify a job that was submitted earlier: ID, ID_TASK, ID+COMPONENT, ID.STEP, "
        "or a list", metavar="JOBID",
    ),
    Option("--lumi-dry-run", "lumi_dry_run", "print the batch script and submit nothing", "switch"),
    Option("--lumi-site", "lumi_site", "YAML file with site facts that differ from LUMI's", "path", "FILE"),
    Option(
        "--job", "wandb_job", "verify your own job: train.py, '-m package.module', or a shell script; with --lumi a "
        "batch script is submitted as it is", "path", "PATH",
    ),
    Option("--job-args", "wandb_job_args", "its arguments, split as a shell splits them", metavar="'--lr 1e-3 …'"),
    Option("--nproc", "wandb_nproc", "ranks of a local job", "number", "N", "2"),
    Option(
        "--server", "wandb_server", "which W&B server: an embedded one, or the one your settings name",
        choices=("loopback", "real"),
    ),
    Option("--offline", "wandb_offline", "run the job with W&B offline and verify the run directory", "switch"),
    Option("--sync", "wandb_sync", "with --offline: upload afterwards and verify the server too", "switch"),
    Option("--run", "wandb_run", "verify an existing run; no job", metavar="ENTITY/PROJECT/RUN_ID"),
    Option("--run-dir", "wandb_run_dir", "verify a wandb/ folder or run directory; no network", "path", "DIR"),
    Option(
        "--job-log", "wandb_job_log", "job output to read beside --run or --run-dir, or alone; a quoted pattern means "
        "several files of one job", "path", "FILE",
    ),
    Option(
        "--expect", "wandb_expect", "the series to find (loss,acc; of your own job: auto, those that look like a loss "
        "and an accuracy)", metavar="METRIC,…",
    ),
    Option(
        "--expect-points", "wandb_expect_points", "points each series must have "
        "(the built-in job's epochs, else 2)", "number", "N",
    ),
    Option(
        "--try-cure", "wandb_try_cure", "where a check failed, carry out the cure on a copy, verify again; with "
        "--lumi this submits another job", "switch",
    ),
    Option(
        "--rehearse", "wandb_rehearse", "play an outage of the server, or a requeue, on the job",
        choices=("outage", "requeue", "all"),
    ),
    Option(
        "--rehearse-plan", "wandb_rehearse_plan", "what to play: moments and kinds of outages, such as 'start,middle × "
        "refuse,5xx', and kinds of requeues, such as 'kill,twice'", metavar="PLAN",
    ),
    Option("--report", "wandb_report", "folder of the reports (a dated one under .harness/)", "path", "DIR"),
    Option("--replay", "wandb_replay", "judge saved evidence, a report or a bundle again; no job", "path", "FILE"),
)  # fmt: skip
