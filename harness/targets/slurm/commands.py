"""A small client of Slurm's commands: text formats that hold from 22.05 on, and every command bounded in time."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.models import Trouble, slurm_states
from harness.evidence.redaction.redactor import cut
from harness.targets.slurm.left_behind import expanded

READ_S = 30.0
"""A command that finds the controller away takes up to 18 s to say so."""
SUBMIT_S = 120.0
_OWN_FORMATS = ("SQUEUE_", "SACCT_", "SCANCEL_", "SLURM_TIME_FORMAT", "SLURM_JSON", "SLURM_BITSTR_LEN")
_QUEUE_FORMAT = "%T|%S|%M|%l|%N|%r"
_FINAL_REFUSAL = re.compile(
    r"Invalid account|[Ii]nvalid partition|time limit is invalid|Invalid qos|violates accounting/QOS policy"
)
_SACCT_FIELDS = (
    "JobID", "JobIDRaw", "JobName", "State", "ExitCode", "ElapsedRaw", "Start", "End", "NodeList", "Account",
    "Partition", "Timelimit", "AllocTRES", "MaxRSS", "NTasks", "WorkDir", "SubmitLine", "Restarts", "StdOut", "StdErr",
)  # fmt: skip
"""Versions of Slurm differ in the last ones: what one does not know is left out."""
_NO_FIELD = re.compile(r'Invalid field requested: "?(\w+)')
_MEANT = (
    (r"(?i)accounting storage is disabled", "Slurm keeps no accounting here"),
    (r"(?i)problem talking to the database|slurmdbd|Unable to contact.*database", "Slurm's accounting does not answer"),
    (r"(?i)access/permission denied", "Slurm does not show this to you (PrivateData)"),
    (r"^sacct: No such file", "accounting cannot be asked here"),
)
"""What a command says that gives no answer, and what it means."""
_SUBMIT_LINE = re.compile(r"\sSubmitLine=(.*?)\s+(?=WorkDir=)")
_TASK = re.compile(r"\d+_\d+")


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
        said = cut(self.err.strip() or f"exit code {self.code}", 500)
        words = next((w for pattern, w in _MEANT if re.search(pattern, said)), "")
        return Trouble(kind=kind, text=f"{words} ({said})" if words else said, where=self.argv[0])


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
    parts: tuple[Mapping[str, str], ...] = ()
    """Of an array or a heterogeneous job: each task or component."""


@dataclass
class Slurm:
    """The commands of one cluster, as this user sees them."""

    environ: Mapping[str, str]
    calls: int = 0
    """How many commands were run."""
    fields: tuple[str, ...] = _SACCT_FIELDS
    """What this version's sacct can tell."""
    silent: set[str] = field(default_factory=set)
    """Commands that did not answer in time: what is not needed is not asked of them again."""
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
            self.silent.add(argv[0])
            return Answer(tuple(argv), None, err=f"{argv[0]} did not answer within {timeout_s:.0f} s")
        except OSError as error:
            return Answer(tuple(argv), None, err=f"{argv[0]}: {error.strerror}")
        return Answer(
            tuple(argv), done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def queue(self, job_id: str) -> tuple[Queued | None, Trouble | None]:
        """Ask squeue; None without trouble where the controller does not know the job any more.

        Of several tasks or components the one that has furthest to go tells where the whole stands.
        """
        answer = self.run(["squeue", "-h", "-t", "all", "-j", whole(job_id), "-o", f"%i|{_QUEUE_FORMAT}"])
        rows = [line.split("|", 6) for line in answer.out.splitlines() if line.count("|") >= 6]
        component = job_id.partition("+")[1] and job_id
        rows = [row for row in rows if not component or row[0].strip() == job_id]
        if answer.code == 0 and rows:
            _, state, start, _, _, nodes, reason = min(rows, key=lambda row: slurm_states.progress(row[1]))
            expected = None if start in ("", "N/A") else start
            return Queued(state.strip(), reason.strip(), expected, nodes.strip()), None
        if answer.code == 0 or self.unknown_job.search(answer.err):
            return None, None
        return None, answer.trouble

    def show(self, job_id: str) -> tuple[dict[str, str], ...]:
        """Ask scontrol for all facts of a job, of each task or component; empty where it knows it no more."""
        answer = self.run(["scontrol", "show", "job", "-o", job_id])
        lines = answer.out.splitlines() if answer.code == 0 else []
        return tuple(parse_show(line) for line in lines if line.startswith("JobId="))

    def account(self, job_id: str) -> tuple[Accounted | None, Trouble | None]:
        """Ask sacct; None where it has no record, or not yet."""
        answer = self.run(self._sacct(job_id))
        while answer.code != 0 and (unknown := _NO_FIELD.search(answer.err)) and unknown[1] in self.fields:
            self.fields = tuple(name for name in self.fields if name != unknown[1])
            answer = self.run(self._sacct(job_id))
        if answer.code != 0:
            return None, answer.trouble
        head, *told = [line.split("|") for line in answer.out.splitlines() if "|" in line] or [[]]
        rows = [dict(zip(head, values, strict=False)) for values in told]
        return accounted([row for row in rows if "JobID" in row], job_id), None

    def _sacct(self, job_id: str) -> list[str]:
        return ["sacct", "-P", "-D", "-j", whole(job_id), "-o", ",".join(self.fields)]

    def tasks(self, job_id: str) -> tuple[str, ...]:
        """Return the tasks of an array as `ID_TASK`, in order; empty for a job that is none."""
        queued = self.run(["squeue", "-h", "-r", "-t", "all", "-j", job_id, "-o", "%i"])
        kept = self.run(["sacct", "-n", "-X", "-P", "-j", job_id, "-o", "JobID"])
        found = [line.strip() for line in (*queued.out.splitlines(), *kept.out.splitlines())]
        mine = {name for name in found if _TASK.fullmatch(name) and name.startswith(f"{job_id}_")}
        return tuple(sorted(mine, key=lambda name: int(name.partition("_")[2])))

    def batch_script(self, job_id: str) -> str:
        """Return the batch script as Slurm kept it: the controller for some minutes, accounting where it is set to."""
        answer = self.run(["scontrol", "write", "batch_script", job_id, "-"])
        if answer.code == 0 and answer.out.startswith("#!"):
            return answer.out
        kept = self._kept(job_id, "--batch-script")
        return kept[kept.find("#!") :] if "#!" in kept else ""

    def environment(self, job_id: str) -> dict[str, str] | None:
        """Return the variables that the job was submitted with, where accounting keeps them (`job_env`, since 21.08).

        Of a variable with several lines only the first is returned.
        """
        return dict(re.findall(r"^(\w+)=(.*)$", self._kept(job_id, "--env-vars"), re.MULTILINE)) or None

    def _kept(self, job_id: str, what: str) -> str:
        """Ask accounting for what it may have kept of a submission."""
        answer = Answer((), None) if "sacct" in self.silent else self.run(["sacct", "-j", job_id, what])
        return answer.out if answer.code == 0 else ""

    def outputs_of_others(self, job_id: str) -> dict[str, str]:
        """Return the files that this user's other jobs write to, with one job for each; of jobs not yet forgotten."""
        answer = self.run(["squeue", "-h", "--me", "-t", "all", "-O", "JobArrayID:64,Name:256,StdOut:1024"])
        lines = answer.out.splitlines() if answer.code == 0 else []
        told = [(line[:64].strip(), line[64:320].strip(), line[320:].strip()) for line in lines]
        # 25.05 shows a name as it was given: `/w/%x.out`.
        files = [(other, expanded(path, other, {"JobName": name})) for other, name, path in told]
        theirs = [file for file in files if whole(file[0]) != whole(job_id)]  # components write to one file
        return {path: other for other, path in theirs if path.startswith("/")}

    def cancel(self, job_id: str) -> Answer:
        """Ask scancel; it says nothing about a job that has ended."""
        return self.run(["scancel", job_id])

    def requeue(self, job_id: str) -> Answer:
        """Ask scontrol to end a job and start it again."""
        return self.run(["scontrol", "requeue", job_id])

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


def whole(job_id: str) -> str:
    """Return the number that squeue and sacct take: they know components by that of the whole job."""
    return job_id.partition("+")[0]


def accounted(rows: Sequence[Mapping[str, str]], job_id: str) -> Accounted | None:
    """Sort sacct's rows: the job as it ended last, its steps, and its earlier attempts.

    Of several tasks or components, one that ended badly speaks for the whole.
    """
    names = {job_id} | ({f"{job_id}+0"} if "+" not in job_id else set())
    jobs = [row for row in rows if "." not in row["JobID"]]
    mine = [row for row in jobs if row["JobID"] in names] or [row for row in jobs if row.get("JobIDRaw") == job_id]
    several = [row for row in jobs if re.match(rf"{re.escape(job_id)}[_+]", row["JobID"])]
    last = {row["JobID"]: row for row in several or mine}
    if not last:
        return None
    bad = [row for row in last.values() if slurm_states.ending(row.get("State")) != "completed"]
    job = (bad or list(last.values()))[0]
    steps, seen = [], False
    for row in rows:  # of a job that was requeued, only those behind its last line are of the last attempt
        seen = seen or row in last.values()
        if "." in row["JobID"] and seen and row["JobID"].partition(".")[0] in last:
            steps.append(row)
    earlier = [row for row in (several or mine) if row not in last.values()]
    return Accounted(job, tuple(steps), tuple(earlier), tuple(last.values()))


def job_id_of(answer: Answer) -> str | None:
    """Read the job's id from what sbatch printed: `4242`, `4242;cluster` or `Submitted batch job 4242`."""
    found = re.search(
        r"^(?:Submitted batch job )?(\d+)(?:;\S*)?(?: on cluster \S+)?$", answer.out.strip(), re.MULTILINE
    )
    return found[1] if found and answer.code == 0 else None


def parse_show(line: str) -> dict[str, str]:
    """Parse a line of `scontrol show job -o`; values may contain blanks, and newer ones a whole command line."""
    command = _SUBMIT_LINE.search(line)
    pieces = re.split(r"(?:^|\s)(?=[A-Z][\w:/]*=)", _SUBMIT_LINE.sub(" ", line))
    pairs = (piece.split("=", 1) for piece in pieces if "=" in piece)
    return {name: value.strip() for name, value in pairs} | ({"SubmitLine": command[1]} if command else {})


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
