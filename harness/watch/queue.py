"""Asks Slurm for all watched jobs at once: one `squeue`, and one `sacct` for those that have left the queue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.targets.slurm.commands import Slurm

_FORMAT = "%i|%T|%L|%r"


@dataclass(frozen=True)
class Queued:
    """A job as Slurm shows it; `left_s` is the time to its limit."""

    state: str
    left_s: float | None = None
    reason: str = ""


def queued(slurm: Slurm, ids: Sequence[str]) -> dict[str, Queued] | None:
    """Return the jobs that Slurm knows by their ids; None where it does not answer."""
    if not ids:
        return {}
    answer = slurm.run(["squeue", "-h", "-t", "all", "-j", ",".join(ids), "-o", _FORMAT])
    unknown = answer.code != 0 and slurm.unknown_job.search(answer.err)
    if answer.code != 0 and not unknown:
        return None
    found = dict(_parsed(answer.out.splitlines()))
    gone = [job for job in ids if job not in found]
    if gone:
        told = slurm.run(["sacct", "-n", "-P", "-X", "-j", ",".join(gone), "-o", "JobID,State"])
        pairs = (line.split("|", 1) for line in told.out.splitlines() if "|" in line)
        found |= {job: Queued(state.split()[0]) for job, state in pairs if state.split()}
    return found


def mine(slurm: Slurm, user: str | None) -> list[str]:
    """Return the ids of the user's jobs in the queue."""
    whose = ["-u", user] if user else ["--me"]
    answer = slurm.run(["squeue", "-h", *whose, "-o", "%i"])
    return [line.strip() for line in answer.out.splitlines() if line.strip().isdigit()]


def _parsed(lines: Iterable[str]) -> Iterable[tuple[str, Queued]]:
    for line in lines:
        if line.count("|") >= 3:
            job, state, left, reason = line.split("|", 3)
            yield job.strip(), Queued(state.strip(), seconds_of(left.strip()), reason.strip())


def seconds_of(text: str) -> float | None:
    """Read Slurm's `2-03:04:05`, `3:04:05` or `4:05`; None for anything else."""
    days, _, clock = text.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in parts) or (days and not days.isdigit()):
        return None
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return float(total + 86_400 * int(days or 0))
