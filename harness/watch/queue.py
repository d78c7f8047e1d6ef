"""Asks Slurm for all watched jobs at once: one `squeue`, and one `sacct` for those that have left the queue."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.evidence.models.slurm_states import is_final
from harness.targets.slurm.commands import Slurm, gpus_of

_FORMAT = "%i|%T|%L|%r|%M|%D|%b|%j"


@dataclass(frozen=True)
class Queued:
    """A job as Slurm shows it; `left_s` is the time to its limit."""

    state: str
    left_s: float | None = None
    reason: str = ""
    name: str = ""
    gpu_s: float | None = None
    """Seconds of all its GPUs so far."""


def queued(slurm: Slurm, ids: Sequence[str]) -> dict[str, Queued] | None:
    """Return the jobs that Slurm knows by their ids; None where it does not answer."""
    if not ids:
        return {}
    answer = slurm.run(["squeue", "-h", "-t", "all", "-j", ",".join(ids), "-o", _FORMAT])
    unknown = answer.code != 0 and slurm.unknown_job.search(answer.err)
    if answer.code != 0 and not unknown:
        return None
    found = dict(_parsed(answer.out.splitlines()))
    over = [job for job in ids if job not in found or is_final(found[job].state)]
    if over:
        told = slurm.run(["sacct", "-n", "-P", "-X", "-j", ",".join(over), "-o", "JobID,State,ElapsedRaw,AllocTRES"])
        for line in told.out.splitlines():
            job, state, elapsed, tres = (*line.split("|", 3), "", "", "")[:4]
            if job in over and state.split():
                known = found.get(job, Queued(""))
                gpu_s = _gpu_seconds(elapsed, gpus_of(tres)) if tres else known.gpu_s
                found[job] = replace(known, state=known.state or state.split()[0], gpu_s=gpu_s)
    return found


def _gpu_seconds(elapsed: str, gpus: int | None) -> float | None:
    return float(elapsed) * gpus if elapsed.isdigit() and gpus else None


def mine(slurm: Slurm, user: str | None) -> list[str]:
    """Return the ids of the user's jobs in the queue."""
    whose = ["-u", user] if user else ["--me"]
    answer = slurm.run(["squeue", "-h", *whose, "-o", "%i"])
    return [line.strip() for line in answer.out.splitlines() if line.strip().isdigit()]


def _parsed(lines: Iterable[str]) -> Iterable[tuple[str, Queued]]:
    for line in lines:
        if line.count("|") >= 3:
            job, state, left, reason, *more = (part.strip() for part in line.split("|", 7))
            elapsed, nodes, gres, name = (*more, "", "", "", "")[:4]
            ran, each = seconds_of(elapsed), _GPUS.search(gres)
            gpu_s = ran * int(nodes) * int(each[1] or 1) if ran and each and nodes.isdigit() else None
            yield job, Queued(state, seconds_of(left), reason, name, gpu_s)


_GPUS = re.compile(r"\bgpu(?::[a-zA-Z_]\w*)?(?:[:=](\d+))?")
"""GPUs of each node, as squeue writes them: `gres/gpu:8`, `gres:gpu:mi250:8`."""


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
