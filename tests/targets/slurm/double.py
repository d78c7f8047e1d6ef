"""A scripted double of Slurm's commands: replays recorded words, and notes every call with its time."""

from __future__ import annotations

import os
import sys
from ast import literal_eval
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = """#!{python} -IS
import os, sys, time
folder = {folder!r}
name = os.path.basename(sys.argv[0])
with open(folder + "/calls", "a") as file:
    file.write(repr((time.time(), name, sys.argv[1:])) + "\\n")
if "--test-only" in sys.argv:
    name = "test-only"
try:
    with open(folder + "/" + name + ".answers") as file:
        answers = eval(file.read())
except FileNotFoundError:
    sys.exit(0)
answer = answers.pop(0) if len(answers) > 1 else answers[0]
with open(folder + "/" + name + ".answers", "w") as file:
    file.write(repr(answers))
time.sleep(answer.get("sleep", 0))
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", ""))
sys.exit(answer.get("code", 0))
"""
COMMANDS = ("sbatch", "squeue", "sacct", "scontrol", "scancel", "singularity", "module")


@dataclass
class Double:
    """The commands in a folder that stands first on PATH."""

    folder: Path
    answers: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Install the commands."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in COMMANDS:
            program = self.folder / name
            program.write_text(PROGRAM.format(python=sys.executable, folder=str(self.folder)))
            program.chmod(0o755)

    def says(self, command: str, *answers: dict[str, object]) -> None:
        """Let a command give these answers in turn, the last one for ever; `test-only` is sbatch --test-only."""
        (self.folder / f"{command}.answers").write_text(repr(list(answers)))

    def calls(self, command: str | None = None) -> list[tuple[float, str, list[str]]]:
        """What was called, in order: time, name, arguments."""
        path = self.folder / "calls"
        found = [literal_eval(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [c for c in found if command in (None, c[1])]

    def env(self) -> dict[str, str]:
        """An environment in which the commands are found first."""
        return {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}


def queued(state: str, reason: str = "None", nodes: str = "", start: str = "N/A") -> dict[str, object]:
    """What squeue prints for our format."""
    return {"out": f"4242|{state}|{start}|0:00|10:00|{nodes}|{reason}\n"}


def shown(state: str, **change: str) -> dict[str, object]:
    """What scontrol prints: a line as Slurm 22.05 has it."""
    values = {
        "JobId": "4242", "JobName": "wandb-verification", "UserId": "me(1000)", "Account": "project_462000001",
        "JobState": state, "Reason": "None", "Restarts": "0", "ExitCode": "0:0", "RunTime": "00:00:20",
        "TimeLimit": "00:10:00", "StartTime": "2026-11-23T12:00:00", "EndTime": "2026-11-23T12:00:20",
        "Partition": "dev-g", "NodeList": "nid[005000-005001]", "NumNodes": "2",
        "TRES": "cpu=4,mem=8G,node=2,billing=4,gres/gpu=4", "Command": "/scratch/a b/job.sh",
        "WorkDir": "/scratch/a b", "StdErr": "/scratch/a b/job.log", "StdOut": "/scratch/a b/job.log", **change,
    }  # fmt: skip
    return {"out": " ".join(f"{k}={v}" for k, v in values.items()) + " \n"}


def accounted(state: str, code: str = "0:0", *steps: str) -> dict[str, object]:
    """What sacct prints: the job, then its steps as `id|state|code`."""
    head = "JobID|State|ExitCode|ElapsedRaw|Start|End|NodeList|Account|Partition|Timelimit|AllocTRES|MaxRSS"
    times = "|20|2026-11-23T12:00:00|2026-11-23T12:00:20"
    rest = f"{times}|nid[005000-005001]|project_462000001|dev-g|00:10:00|cpu=4,gres/gpu=4|"
    lines = [head, f"4242|{state}|{code}{rest}", *(f"{s}{rest}640K" for s in steps)]
    return {"out": "\n".join(lines) + "\n"}
