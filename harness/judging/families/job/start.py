"""Rules for the family job, fourth part: a command of the batch script that could not be started at all."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import find_lines, python_errors, said, silent

INTERPRETER = r"bad interpreter|cannot execute: required file not found"
WHY: tuple[tuple[str, str, str], ...] = (
    (INTERPRETER, "its first line names an interpreter that is not there", "head -n 1 {command}"),
    (r"Exec format error|cannot execute binary file", "it is no program for this processor", "file {command}"),
    (r"Permission denied", "it is not executable", "chmod +x {command}"),
    (r"command not found|No such file or directory", "it is not there, on the node or in the container",
     "command -v {command}"),
)  # fmt: skip
"""What the shell, or srun, says of a command that it cannot start; what that means, and what shows or mends it."""
SAID = re.compile(
    r"execve\(\): (?:bad interpreter\()?(?P<step>[^\s:()]+)\)?: "
    r"|\S: line \d+: (?P<shell>[^\s:]+): "
    r"(?=command not found|No such file|Permission denied|cannot exec)"
)
CODES = (126, 127, 2, 8, 13)
"""Exit codes of such an end: the shell's, and the error numbers that srun gives."""


ASIDE = r"(?:.*/)?(?:module|ml|\w+-smi|git)$"
"""Commands of which a batch script may do without: no training is started by them."""


def not_started(evidence: Evidence) -> Iterator[Hit]:
    """The shell or srun could not start a command, and the job ended by that, or went on to nothing."""
    job = evidence.job
    if job is None or init_succeeded(evidence) or python_errors(evidence):
        return
    codes = {job.exit_code, *(process.exit_code for process in job.processes)}
    went_on = evidence.request.job_kind == "batch" and silent(evidence)
    text = [line for line in said(evidence, SAID, limit=8) if not (went_on and re.match(ASIDE, _command(line)))]
    if not text or not (went_on or (job.ending == "failed" and codes & set(CODES))):
        return
    command = _command(text[0])
    _, why, look = next((w for w in WHY if re.search(w[0], text[0])), WHY[-1])
    kept = tuple(f"The job was submitted with {words}." for words in (job.slurm.kept_out if job.slurm else ()))
    tasks = find_lines(evidence, r"^srun: error: .*tasks? .*: Exited with exit code", limit=1)
    yield Hit(
        id="job-command-not-started",
        observed=(shorten(text[0]), *tasks, *kept),
        values={"command": command, "why": why, "look": look.replace("{command}", command)},
        fails=("test_init_succeeded",) if went_on else None,
    )


def _command(line: str) -> str:
    match = SAID.search(line)
    return (match["step"] or match["shell"]) if match else ""


RULES: tuple[Rule, ...] = (not_started,)
