"""A small client of Slurm's commands: text formats that hold from 22.05 on, and every command bounded in time."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.models import Trouble
from harness.evidence.redaction.redactor import cut

READ_S = 30.0
"""A command that finds the controller away takes up to 18 s to say so."""
SUBMIT_S = 120.0
_OWN_FORMATS = ("SQUEUE_", "SACCT_", "SCANCEL_", "SLURM_TIME_FORMAT", "SLURM_JSON", "SLURM_BITSTR_LEN")
_QUEUE_FORMAT = "%T|%S|%M|%l|%N|%r"
_FINAL_REFUSAL = re.compile(
    r"Invalid account|[Ii]nvalid partition|time limit is invalid|Invalid qos|violates accounting/QOS policy"
)
_SACCT_FIELDS = (
    "JobID,State,ExitCode,DerivedExitCode,ElapsedRaw,Start,End,NodeList,Account,Partition,Timelimit,AllocTRES,MaxRSS"
)


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    argv: tuple[str, ...]
    code: int | None
    """None: it did not answer in time, or is not there."""
    out: str = ""
    err: str = ""

    @property
    def trouble(self) -> Trouble | None:
        """Why it gave no answer, or None."""
        if self.code == 0:
            return None
        kind = "timeout" if self.code is None else "slurm"
        return Trouble(kind=kind, text=cut(self.err.strip() or f"exit code {self.code}", 500), where=self.argv[0])


@dataclass(frozen=True)
class Queued:
    """A job as squeue shows it."""

    state: str
    reason: str = ""
    expected_start: str | None = None
    nodes: str = ""


@dataclass(frozen=True)
class Accounted:
    """A job as sacct shows it: a line for the job and one for each step."""

    job: Mapping[str, str]
    steps: tuple[Mapping[str, str], ...] = ()
    earlier: tuple[Mapping[str, str], ...] = ()
    """The same job before it was requeued."""


@dataclass
class Slurm:
    """The commands of one cluster, as this user sees them."""

    environ: Mapping[str, str]
    calls: int = 0
    """How many commands were run."""
    unknown_job: re.Pattern[str] = field(default=re.compile(r"Invalid job id specified"), repr=False)

    def run(
        self,
        argv: Sequence[str],
        timeout_s: float = READ_S,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Answer:
        """Run a command of Slurm's; ^C does not reach it, and trouble is an answer, no exception."""
        self.calls += 1
        own = {k: v for k, v in (env or self.environ).items() if env or not k.startswith(_OWN_FORMATS)}
        try:
            done = subprocess.run(
                argv, env=own, cwd=cwd, check=False, capture_output=True, timeout=timeout_s, start_new_session=True,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Answer(tuple(argv), None, err=f"{argv[0]} did not answer within {timeout_s:.0f} s")
        except OSError as error:
            return Answer(tuple(argv), None, err=f"{argv[0]}: {error.strerror}")
        return Answer(
            tuple(argv), done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def queue(self, job_id: str) -> tuple[Queued | None, Trouble | None]:
        """Ask squeue; None without trouble where the controller does not know the job any more."""
        answer = self.run(["squeue", "-h", "-t", "all", "-j", job_id, "-o", _QUEUE_FORMAT])
        lines = [line for line in answer.out.splitlines() if line.count("|") >= 5]
        if answer.code == 0 and lines:
            state, start, _, _, nodes, reason = lines[0].split("|", 5)
            expected = None if start in ("", "N/A") else start
            return Queued(state.strip(), reason.strip(), expected, nodes.strip()), None
        if answer.code == 0 or self.unknown_job.search(answer.err):
            return None, None
        return None, answer.trouble

    def show(self, job_id: str) -> dict[str, str]:
        """Ask scontrol for all facts of a job; empty where it knows it no more or is away."""
        answer = self.run(["scontrol", "show", "job", "-o", job_id])
        return parse_show(answer.out.splitlines()[0]) if answer.code == 0 and answer.out.strip() else {}

    def account(self, job_id: str) -> tuple[Accounted | None, Trouble | None]:
        """Ask sacct; None where it has no record, or not yet."""
        answer = self.run(["sacct", "-n", "-P", "-D", "-j", job_id, "-o", _SACCT_FIELDS])
        if answer.code != 0:
            return None, answer.trouble
        names = _SACCT_FIELDS.split(",")
        rows = [dict(zip(names, line.split("|"), strict=False)) for line in answer.out.splitlines() if "|" in line]
        jobs = [row for row in rows if "." not in row["JobID"]]
        if not jobs:
            return None, None
        last = rows.index(jobs[-1])
        return Accounted(jobs[-1], tuple(rows[last + 1 :]), tuple(jobs[:-1])), None

    def cancel(self, job_id: str) -> Answer:
        """Ask scancel; it says nothing about a job that has ended."""
        return self.run(["scancel", job_id])

    def test(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[Answer | None, str | None]:
        """Ask `sbatch --test-only`; returns its refusal, where that is final, and the start that it expects.

        With every node down it also says no to a job that sbatch would queue, so only what cannot change counts.
        """
        answer = self.run(["sbatch", "--test-only", *argv], READ_S, env, cwd)
        if answer.code not in (0, None) and _FINAL_REFUSAL.search(answer.err):
            return answer, None
        start = re.search(r" to start at (\d{4}-\d\d-\d\dT[\d:]+)", answer.err) if answer.code == 0 else None
        return None, start[1] if start else None

    def submit(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Answer:
        """Run sbatch with the job's own environment."""
        return self.run(["sbatch", "--parsable", *argv], SUBMIT_S, env, cwd)

    def by_script(self, script: Path, since: float) -> str | None:
        """Find the newest job of that script, submitted after a time in unix seconds: for an sbatch that got stuck."""
        answer = self.run(["squeue", "-h", "--me", "-t", "all", "-o", "%i|%V|%o"])
        found = [line.split("|", 2) for line in answer.out.splitlines() if line.count("|") >= 2]
        mine = [i for i, at, command in found if command == str(script) and (seconds(at) or 0.0) >= since - 1]
        return mine[-1] if mine else None


def job_id_of(answer: Answer) -> str | None:
    """Read the job's id from what sbatch printed: `4242`, `4242;cluster` or `Submitted batch job 4242`."""
    found = re.search(
        r"^(?:Submitted batch job )?(\d+)(?:;\S*)?(?: on cluster \S+)?$", answer.out.strip(), re.MULTILINE
    )
    return found[1] if found and answer.code == 0 else None


def parse_show(line: str) -> dict[str, str]:
    """Parse a line of `scontrol show job -o`; values may contain blanks."""
    pieces = re.split(r"(?:^|\s)(?=[A-Z][\w:/]*=)", line)
    pairs = (piece.split("=", 1) for piece in pieces if "=" in piece)
    return {name: value.strip() for name, value in pairs}


def seconds(moment: str | None) -> float | None:
    """Turn Slurm's local time `2026-11-23T19:08:55` into unix seconds; None for Unknown and N/A."""
    try:
        return time.mktime(time.strptime(moment or "", "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None


def expand_nodes(listed: str) -> tuple[str, ...]:
    """Expand `nid[005000-005001,005003],uan01` to names."""
    names: list[str] = []
    for found in re.finditer(r"([^,\[\]]+)(?:\[([\d,-]+)\])?", listed):
        prefix, ranges = found.groups()
        if ranges is None:
            names.append(prefix)
            continue
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            width = len(first)
            names += [f"{prefix}{n:0{width}d}" for n in range(int(first), int(last or first) + 1)]
    return tuple(n for n in names if n and n not in ("None assigned", "(null)"))


def gpus_of(tres: str) -> int | None:
    """Read the number of GPUs from `cpu=4,gres/gpu:mi250=4,gres/gpu=4,mem=8G`."""
    found = re.search(r"gres/gpu=(\d+)", tres) or re.search(r"gres/gpu:\w+=(\d+)", tres)
    return int(found[1]) if found else None
