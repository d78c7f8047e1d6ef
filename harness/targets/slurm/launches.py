"""Reads how a batch script starts its ranks, and how many: srun, torchrun, mpirun, accelerate and deepspeed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise

from harness.evidence.models import SlurmLaunch
from harness.evidence.redaction.redactor import clean

MOST = 8
LONGEST = 300
MPI = ("mpirun", "mpiexec", "mpiexec.hydra", "orterun")
MODULES = {"torch.distributed.run": "torchrun", "torch.distributed.launch": "torchrun",
           "accelerate.commands.launch": "accelerate", "deepspeed.launcher.runner": "deepspeed"}  # fmt: skip
"""What `python -m` starts, by the name of the same command."""
PYTHON = re.compile(r"python[\d.]*")
ASSIGNED = re.compile(r"\s*(?:export\s+|readonly\s+)?([A-Za-z_]\w*)=(?:([\"'(])(.*)[\"')]|([^\s;&|$`]+))\s*(?:#.*)?")
VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:\[[@*]\]|:?-(?P<default>[^}]*))?\})")
ASSIGNS = re.compile(r"[A-Za-z_]\w*=")
TALK = ("echo", "printf")
KEYWORDS = ("then", "do", "else", "{", "!", "time", "if", "while")
LONGEST_QUOTE = 40
"""Lines over which a quote may go."""


def launches(text: str, options: Mapping[str, str]) -> tuple[SlurmLaunch, ...]:
    """Return the lines of a batch script that start ranks, at most eight.

    Args:
        text: the script.
        options: sbatch's, those of the command line over those of the script.
    """
    known = _variables(text, options)
    found = (
        SlurmLaunch(line=clean(line, LONGEST), launcher=told[0], ranks=told[1])
        for line, commands in _statements(re.sub(r"\\\n\s*", " ", text).splitlines())
        for words in commands
        if (told := _started([part for word in words for part in _filled(word, known)], options))
    )
    return tuple(islice(found, MOST))


def _statements(lines: Sequence[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Each line with its commands; one whose quote goes on takes the following lines with it."""
    at = 0
    while at < len(lines):
        for end in range(at + 1, min(at + LONGEST_QUOTE, len(lines)) + 1):
            if end > at + 1 and not {"'", '"'} & set(lines[end - 1]):
                continue
            try:
                commands = list(_commands("\n".join(lines[at:end])))
            except ValueError:
                continue
            yield " ".join(line.strip() for line in lines[at:end]), commands
            at = end
            break
        else:  # the quote is left open: an apostrophe of some text
            at += 1


def _commands(line: str) -> Iterator[list[str]]:
    """The commands of a line, each as its words; what is given to `bash -c` counts as words of its own.

    Raises:
        ValueError: a quote is left open.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";&|()"):
            while command and command[0] in KEYWORDS:
                del command[0]
            if command and command[0] not in TALK:
                yield command
            command = []
        else:
            command += [word] if ASSIGNS.match(word) else word.replace(";", " ").split()


def _filled(word: str, known: Mapping[str, str]) -> list[str]:
    """A word with the variables that the text tells, which may make several words of it."""

    def value(found: re.Match[str]) -> str:
        return known.get(found["plain"] or found["name"]) or found["default"] or found[0]

    filled = VARIABLE.sub(value, VARIABLE.sub(value, word))
    return [word] if ASSIGNS.match(word) else filled.split()


def _started(words: Sequence[str], options: Mapping[str, str]) -> tuple[str, int | None] | None:
    """The launchers of a command, the outer one first, and the ranks that come of it; None where there is none."""
    names: list[str] = []
    ranks: int | None = None
    for name, given in _parts(words):
        if name == "srun":
            ranks = _tasks({**options, **_options(given)})
        elif name in MPI:
            ranks = _number(told) if (told := _value(given, "np", "n", "c")) else _tasks(options)
        elif name == "torchrun":
            # `gpu` and `auto` are known on the node alone. Under srun there is one for each task.
            here = _number(_value(given, "nproc_per_node", "nproc-per-node") or "1")
            ranks = _times(here, ranks if names else _number(_value(given, "nnodes") or "1"))
        elif name == "accelerate":
            ranks = _number(_value(given, "num_processes", "num-processes"))
        else:
            ranks = _times(_number(_value(given, "num_gpus")), _number(_value(given, "num_nodes") or "1"))
        names.append(name)
    if not names and any(PYTHON.fullmatch(word.rpartition("/")[2]) for word in words):
        return ("python", None) if any(word.endswith(".py") for word in words) else None  # which may start its own
    return (" ".join(names), ranks) if names else None


def _parts(words: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Each launcher with the words up to the next one, or to the script."""
    at: list[tuple[int, str]] = []
    for i, word in enumerate(words):
        name, following = word.rpartition("/")[2], words[i + 1 : i + 2]
        if word == "-m" and following:
            name = MODULES.get(following[0], "")
        known = name in ("srun", "torchrun", "deepspeed", *MPI) or (name == "accelerate" and following == ["launch"])
        if known or (word == "-m" and name):
            at.append((i, name))
        elif word.endswith(".py"):
            at.append((i, ""))
            break
    at.append((len(words), ""))
    for (i, name), (end, _) in pairwise(at):
        if name:
            yield name, words[i + 1 : end]


def _options(given: Sequence[str]) -> dict[str, str]:
    """What an srun asks for by itself; a number of tasks of its own makes those of the job void."""
    tasks, each = _value(given, "ntasks", "n"), _value(given, "ntasks-per-node")
    found = {"nodes": _value(given, "nodes", "N"), "ntasks": tasks, "ntasks-per-node": each}
    own = {name: value for name, value in found.items() if value}
    return {"ntasks": "", **own} if each and not tasks else own


def _tasks(options: Mapping[str, str]) -> int | None:
    """The tasks that these options of sbatch or srun come to: without any, one on each node.

    None where they name a variable whose value the text does not tell.
    """
    if options.get("ntasks"):
        return _number(options["ntasks"])
    nodes = _number((options.get("nodes") or "1").partition("-")[0])
    return _times(_number(options.get("ntasks-per-node") or "1"), nodes)


def _value(words: Sequence[str], *names: str) -> str | None:
    """The value of an option: `--name V`, `--name=V`, `-n V`, `-n4`, and mpirun's `-np V`."""
    for i, word in enumerate(words):
        for name in names:
            if word in (f"--{name}", f"-{name}"):
                return words[i + 1] if words[i + 1 :] else None
            if found := re.fullmatch(rf"--{name}=(.*)" if len(name) > 1 else rf"-{name}(\d+)", word):
                return found[1]
    return None


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isdigit() else None


def _times(one: int | None, other: int | None) -> int | None:
    return one * other if one is not None and other is not None else None


def _variables(text: str, options: Mapping[str, str]) -> dict[str, str]:
    """Variables whose value the text tells: those that it sets in a line of their own, and Slurm's own."""
    set_there = {m[1]: m[3] or m[4] or "" for line in text.splitlines() if (m := ASSIGNED.fullmatch(line))}
    nodes, tasks = options.get("nodes") or "1", str(_tasks(options) or "")
    gpus = (options.get("gpus-per-node") or options.get("gpus") or "").rpartition(":")[2]
    told = {
        "SLURM_NNODES": nodes, "SLURM_JOB_NUM_NODES": nodes, "SLURM_NTASKS": tasks, "SLURM_NPROCS": tasks,
        "SLURM_NTASKS_PER_NODE": options.get("ntasks-per-node") or "", "SLURM_GPUS_ON_NODE": gpus,
        "SLURM_GPUS_PER_NODE": gpus,
    }  # fmt: skip
    return {**{name: value for name, value in told.items() if value.isdigit()}, **set_there}
