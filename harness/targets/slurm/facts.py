"""Puts together what squeue, scontrol and sacct know of a job."""

from __future__ import annotations

import signal as signals
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.models import SlurmAttempt, SlurmState, SlurmStep, Trouble
from harness.evidence.models.slurm_states import base, is_final
from harness.targets.slurm.commands import Accounted, expand_nodes, gpus_of, seconds
from harness.targets.slurm.left_behind import LeftBehind, expanded, output_files

MOST_ATTEMPTS = 20
NOTHING = ("", "None", "(null)", "Unknown", "N/A", "None assigned")


@dataclass
class Facts:
    """All that was learnt of one job so far."""

    job_id: str | None = None
    states: list[SlurmState] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    expected_start: str | None = None
    shown: tuple[Mapping[str, str], ...] = ()
    """What scontrol told last, a mapping for each task or component."""
    left: LeftBehind = field(default_factory=LeftBehind)
    accounted: Accounted | None = None
    ran: bool = False
    """Whether it was ever seen to run."""
    first_seen_running: float | None = None
    away: bool = False
    """Whether Slurm did not answer when it was asked last."""

    def note_state(self, state: str, reason: str, at: float) -> None:
        """Remember a state when it differs from the last one; at most 200."""
        last = self.states[-1] if self.states else None
        if (last is None or (last.state, last.reason) != (state, reason)) and len(self.states) < 200:
            self.states.append(SlurmState(state=state, reason=reason, at=at))

    def note_trouble(self, trouble: Trouble) -> None:
        """Remember trouble once."""
        if trouble not in self.troubles and len(self.troubles) < 8:
            self.troubles.append(trouble)

    @property
    def show(self) -> Mapping[str, str]:
        """Scontrol's facts of the job, or of its first task or component."""
        return self.shown[0] if self.shown else {}

    @property
    def job_row(self) -> Mapping[str, str]:
        """Sacct's line of the job."""
        return self.accounted.job if self.accounted else {}

    def said(self, shown: str, accounted: str) -> str | None:
        """Return a value from scontrol, else from sacct; None where neither knows it."""
        values = (self.show.get(shown, ""), self.job_row.get(accounted, ""))
        return next((v for v in values if v not in NOTHING), None)

    @property
    def final_state(self) -> str | None:
        """How the job ended: from sacct where it knows, else from scontrol."""
        states = (self.job_row.get("State", ""), self.show.get("JobState", ""))
        return next((s for s in states if is_final(s)), None)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes that the job had."""
        listed = [part.get("NodeList", "") for part in (self.shown or (self.accounted.parts if self.accounted else ()))]
        return tuple(dict.fromkeys(n for names in listed for n in _names(names)))

    @property
    def started_at(self) -> float | None:
        """When it began to run, in unix seconds; None for a job that never did."""
        if not self.ran and not self.nodes:
            return None
        return seconds(self.said("StartTime", "Start")) or self.first_seen_running

    @property
    def ended_at(self) -> float | None:
        """When it ended, in unix seconds."""
        return seconds(self.said("EndTime", "End")) if self.final_state else None

    @property
    def elapsed_s(self) -> float | None:
        """How long it ran, in seconds, as sacct counts it."""
        text = self.job_row.get("ElapsedRaw", "")
        if text.isdigit():
            return float(text)
        begun, ended = self.started_at, self.ended_at
        return ended - begun if begun is not None and ended is not None else None

    @property
    def gpus(self) -> int | None:
        """GPUs that the job had, on all nodes together; None for a job without any."""
        return gpus_of(self.said("AllocTRES", "AllocTRES") or self.show.get("TRES", ""))

    def gpu_hours(self, per_gpu: float) -> float | None:
        """Return what it cost, in GPU-hours."""
        if self.gpus is None or self.elapsed_s is None:
            return None
        return round(self.gpus * self.elapsed_s / 3600 * per_gpu, 4)

    @property
    def exit_code(self) -> str | None:
        """The exit code as sacct prints it, `EXIT:SIGNAL`."""
        return self.said("ExitCode", "ExitCode")

    def steps(self) -> tuple[SlurmStep, ...]:
        """Return the job's steps."""
        rows = self.accounted.steps if self.accounted else ()
        return tuple(
            SlurmStep(
                id=r["JobID"],
                state=r.get("State", ""),
                exit_code=r.get("ExitCode", ""),
                tasks=int(r["NTasks"]) if r.get("NTasks", "").isdigit() else None,
            )
            for r in rows[:50]
        )

    def attempts(self) -> tuple[SlurmAttempt, ...]:
        """Return every start of a job that was requeued, the earliest first; of other jobs none."""
        rows = (*self.accounted.earlier, self.accounted.job) if self.accounted and self.accounted.earlier else ()
        return tuple(
            SlurmAttempt(
                state=r.get("State", ""), started_at=seconds(r.get("Start")), ended_at=seconds(r.get("End")),
                nodes=_names(r.get("NodeList", "")),
            )
            for r in rows[-MOST_ATTEMPTS:]
        )  # fmt: skip

    @property
    def restarts(self) -> int:
        """How often Slurm started the job again, as far as one of its commands knows."""
        counts = (self.show.get("Restarts", ""), self.job_row.get("Restarts", ""))
        earlier = len(self.accounted.earlier) if self.accounted else 0
        return max(earlier, *(int(c) if c.isdigit() else 0 for c in counts))

    @property
    def out_of_memory(self) -> bool:
        """Whether the job, or one of its steps, ran out of memory: inside a step the job itself is FAILED."""
        return any(base(s.state) == "OUT_OF_MEMORY" for s in self.steps())

    def max_rss(self) -> str | None:
        """Return the largest memory of a step, as sacct prints it."""
        values = [r.get("MaxRSS", "") for r in (self.accounted.steps if self.accounted else ())]
        return max((v for v in values if v), key=_bytes, default=None)

    def outputs(self, leader: tuple[Mapping[str, str], ...] = ()) -> tuple[Path, ...]:
        """Return the files of standard output and error: as Slurm names them, else as the job's options do.

        Args:
            leader: scontrol's facts of a heterogeneous job's first component, whose batch script writes for all.
        """
        job_id, component, _ = (self.job_id or "").partition("+")
        if shown := leader or self.shown:
            return outputs_shown(shown, job_id)
        row = {**self.job_row, "JobIDRaw": job_id} if component else self.job_row
        return output_files(job_id, row, self.left)


def outputs_shown(shown: Iterable[Mapping[str, str]], job_id: str) -> tuple[Path, ...]:
    """Return the files of standard output and error that `scontrol show job` names, some versions by their pattern."""
    told = [
        expanded(part.get(name, ""), job_id, {**part, "JobIDRaw": part.get("JobId", "")})
        for part in shown
        for name in ("StdOut", "StdErr")
    ]
    return tuple(Path(n) for n in dict.fromkeys(told) if n.startswith("/") and n != "/dev/null")


def _names(listed: str) -> tuple[str, ...]:
    return () if listed in NOTHING else expand_nodes(listed)


def _bytes(size: str) -> float:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
    number = size.rstrip("KMGT")
    try:
        return float(number) * units.get(size[-1:], 1)
    except ValueError:
        return 0.0


def split_exit(code: str | None) -> tuple[int | None, str | None]:
    """Split `42:0` or `0:9` into exit code and the signal's name."""
    left, _, right = (code or "").partition(":")
    if not left.isdigit() or not right.isdigit():
        return None, None
    number = int(right)
    known = {s.value: s.name for s in signals.Signals}
    return int(left), known.get(number) if number else None
