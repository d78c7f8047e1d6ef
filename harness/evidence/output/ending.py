"""Tells from a job's output alone how the job ended, in the words of Slurm and of the launchers."""

import re
from collections.abc import Iterator

from harness.evidence.models import Job, JobOutput, OutputLine
from harness.evidence.models.job import Ending

_SLURM: tuple[tuple[Ending, re.Pattern[str]], ...] = (
    ("timeout", re.compile(r"CANCELLED AT .*DUE TO TIME LIMIT")),
    ("node_fail", re.compile(r"DUE TO NODE FAILURE|srun: error: Node failure on")),
    ("out_of_memory", re.compile(r"oom[_-]kill event|srun: error: .*: Out Of Memory|Exceeded (job|step) memory limit")),
    ("cancelled", re.compile(r"\*\*\* (JOB|STEP) \S+ ON \S+ CANCELLED AT ")),
)


def job_of(output: JobOutput) -> Job:
    """Return the job as its output tells of it; `unknown` where that does not say how it ended."""
    at_work = _last_progress(output)
    ends = [ending for line, ending in _told(output) if line > at_work.get(output.file_of(line), 0)]
    ending = min(ends, key=_rank, default="unknown")
    code = next((p.exit_code for p in output.processes if p.exit_code), None) if ends else None
    return Job(ending=ending, exit_code=code, output=output, processes=output.processes)


def _told(output: JobOutput) -> Iterator[tuple[int, Ending]]:
    lines: dict[int, OutputLine] = {line.number: line for line in (*output.notable, *output.tail)}
    for number, line in lines.items():
        if found := next((ending for ending, pattern in _SLURM if pattern.search(line.text)), None):
            yield number, found
    for process in output.processes:
        yield process.line, "failed"
    if (last := _last_words(output)) is not None:
        yield last, "failed"


def _last_words(output: JobOutput) -> int | None:
    """The line in which the output ends, if it is that of an exception: without a launcher, nobody says more.

    What the SDK prints as its process ends comes after it. Of a message of several lines it is not sure where it ends.
    """
    own = (line for line in reversed(output.tail) if line.text.strip() and not line.text.startswith("wandb:"))
    last = next(own, None)
    said = (f"{e.exception}: {e.message}".rstrip(": ") for e in output.errors if e.frames)
    return last.number if last and last.text.strip() in set(said) else None


def _rank(ending: Ending) -> int:
    """What Slurm says of the job stands before what becomes of its processes."""
    order = [name for name, _ in _SLURM]
    return order.index(ending) if ending in order else len(order)


def _last_progress(output: JobOutput) -> dict[int, int]:
    """The last line of each file that shows the job at work: a step that failed before it was not the job's end."""
    at_work = sorted((*(e.line for e in output.epochs), *(link.line for link in output.links)))
    return {output.file_of(line): line for line in at_work}
