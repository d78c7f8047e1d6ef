"""Rules for the family job, fourth part: a command of the batch script that could not be started at all."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import find_lines, python_errors, said

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


def not_started(evidence: Evidence) -> Iterator[Hit]:
    """The shell or srun could not start a command, and the job ended by that."""
    job = evidence.job
    if job is None or job.ending != "failed" or init_succeeded(evidence) or python_errors(evidence):
        return
    codes = {job.exit_code, *(process.exit_code for process in job.processes)}
    text = said(evidence, SAID, limit=1)
    if not text or not codes & set(CODES):
        return
    match = SAID.search(text[0])
    command = (match["step"] or match["shell"]) if match else ""
    _, why, look = next((w for w in WHY if re.search(w[0], text[0])), WHY[-1])
    kept = tuple(f"The job was submitted with {words}." for words in (job.slurm.kept_out if job.slurm else ()))
    tasks = find_lines(evidence, r"^srun: error: .*tasks? .*: Exited with exit code", limit=1)
    yield Hit(
        id="job-command-not-started",
        observed=(shorten(text[0]), *tasks, *kept),
        values={"command": command, "why": why, "look": look.replace("{command}", command)},
    )


RULES: tuple[Rule, ...] = (not_started,)
