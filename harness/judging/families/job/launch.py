"""Rules for the family job, third part: what the script wanted of its call: arguments, ranks, a GPU."""

import re
import shlex
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from harness.evidence.models import Evidence, PythonError
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.ranks_started import Started, ranks_started
from harness.judging.rule import Hit, Rule
from harness.judging.system_series import gpus
from harness.judging.view import find_lines, python_errors, said, script_note

ARGUMENTS: tuple[tuple[str, str], ...] = (
    (r"error: the following arguments are required: (?P<names>.+)", "argparse"),
    (r"error: one of the arguments (?P<names>.+) is required", "argparse"),
    (r"(?:Error: |│ |error: )Missing (?:option|parameter) '(?P<names>[^']+(?:' / '[^']+)*)'", "click"),
    (r"(?:Error: |│ )Missing argument '(?P<names>[^']+)'", "click"),
    (r"The function received no value for the required argument: (?P<names>\S+)", "dashed"),
    (r"MissingMandatoryValue: Missing mandatory value: (?P<names>\S+)", "OmegaConf"),
    (r"You must specify '(?P<names>[^']+)', e\.g, ", "OmegaConf"),
    (r"flag --(?P<names>\S+?)=None: Flag --\S+ must have a value other than None", "dashed"),
    (r"line \d+: (?P<names>\$?\d+): (?:unbound variable|parameter (?:null or )?not set)", "bash"),
)  # fmt: skip
"""What parsers of arguments say of one that is not there: argparse, click and typer, Fire, Hydra, absl, bash."""
BOX, IN_BOX = r"│ Missing from \S+:", r"^│ +(--[\w.-]+)(?: \S+)? +│$"
"""tyro draws a box around them."""
WRONG = (
    r"(?:error: |│ )(?P<words>unrecognized arguments: .+|argument \S+: (?:invalid|expected|not allowed) .+"
    r"|Unrecognized options: .+?(?= *│|$))"
    r"|(?:Error: |│ )(?P<words2>No such option:? .+?(?= *│|$)|Got unexpected extra argument.+|Invalid value for .+)"
    r"|(?P<words3>Could not override '[^']+'.*)|ERROR: (?P<words4>Could not consume arg: .+)"
)
"""What they say of one that they do not take."""


def arguments_missing(evidence: Evidence) -> Iterator[Hit]:
    """The script ended before it began, for want of an argument or over a wrong one."""
    if evidence.job is None or evidence.job.ending == "completed" or init_succeeded(evidence):
        return
    usage = find_lines(evidence, r"(?i)^usage: ", limit=1)
    if usage and re.match(r"(?i)usage: (\S*python\S* -m )?wandb ", usage[0]):
        return  # the script called the SDK's own command
    if found := _missing(evidence, "\n".join(usage)):
        line, names, call = found
        asked = _asked(names, evidence.request.job_args)
        values = {"arguments": ", ".join(names), "call": call, "job_args": asked, "how": "needs"}
        yield Hit(id="job-arguments-missing", observed=(shorten(line), *usage), values=values)
    elif text := said(evidence, WRONG, limit=1):
        match = re.search(WRONG, text[0])
        words = next((g for g in match.groups() if g), text[0]) if match else text[0]
        mended = _mended(words, "\n".join((*usage, *text)), evidence.request.job_args)
        values = {"arguments": shorten(words), "call": "ARGUMENTS", "how": "does not take its arguments:"}
        values |= {"job_args": mended} if mended else {}
        yield Hit(id="job-arguments-missing", observed=(shorten(text[0]), *usage), values=values)


def _missing(evidence: Evidence, usage: str) -> tuple[str, tuple[str, ...], str] | None:
    """What was said, the arguments that lack, and how they may be given."""
    for pattern, parser in ARGUMENTS:
        text = said(evidence, pattern, limit=1)
        if text and (match := re.search(pattern, text[0])):
            names = tuple(_as_given(name, parser, usage) for name in _names(match["names"]))
            return text[0], names, " ".join(map(_example, names))
    if box := find_lines(evidence, BOX, limit=1):
        told = (re.findall(IN_BOX, line) for line in find_lines(evidence, IN_BOX, limit=8))
        names = tuple(dict.fromkeys(name for found in told for name in found))
        return box[0].strip("│ "), names or ("an argument",), " ".join(map(_example, names)) or "ARGUMENTS"
    return _unread_argument(evidence)


def _asked(names: Sequence[str], given: Sequence[str]) -> str:
    """Bash that asks for the values that only the user knows, and adds them to the arguments that were given.

    It is one line, for `read` would take a second one that is pasted with it for the answer.
    """
    fixed, call, questions = f"{shlex.join(given)} " if given else "", "", []
    for number, name in enumerate(names, 1):
        option = name.startswith("-") or name.endswith("=")
        prompt = shlex.quote(f"{name.rstrip('=') if option else name.strip('$').lower()}: ")
        questions.append(f"read -rp {prompt} a{number}")
        fixed += name if name.endswith("=") else f"{name} " if option else ""
        answer = f"${{a{number}@Q}}" if " " not in name else f"$a{number}"  # without a name, it may be several
        call += f'{shlex.quote(fixed) if fixed else ""}"{answer}"'
        fixed = " "
    return f"{'; '.join(questions)}; export HARNESS_WANDB_JOB_ARGS={call}"


def _mended(words: str, told: str, given: Sequence[str]) -> str:
    """Bash that gives the arguments anew, the one that is not known by the nearest name; empty where it is not sure."""
    known = dict.fromkeys(re.findall(r"(?<![\w-])--[\w-]+", told))
    wrong = [word for word in given if word.partition("=")[0] in re.findall(r"(?<![\w-])--[\w-]+", words)]
    if len(wrong) != 1:
        return ""
    name, mark, value = wrong[0].partition("=")
    near = get_close_matches(name, [other for other in known if other != name], n=1, cutoff=0.7)
    right = [f"{near[0]}{mark}{value}" if word == wrong[0] else word for word in given] if near else []
    return f"export HARNESS_WANDB_JOB_ARGS={shlex.quote(shlex.join(right))}" if right else ""


def _unread_argument(evidence: Evidence) -> tuple[str, tuple[str, ...], str] | None:
    """An IndexError in a line that reads `sys.argv`."""
    notes = evidence.setup.script_notes if evidence.setup else ()
    lines = {note.line: note.text for note in notes if note.kind == "reads_argument"}
    for error in python_errors(evidence, r"^IndexError$"):
        at = re.search(r", line (\d+)", error.frames[-1]) if error.frames else None
        if at and int(at[1]) in lines:
            text = lines[int(at[1])]
            numbers = re.findall(r"argv\[(\d+)\]", text) or ["1"]
            names = tuple(f"ARGUMENT_{number}" for number in numbers)
            return f"{evidence.request.job_path}, line {at[1]}: {text}", names, " ".join(names)
    return None


def _names(told: str) -> tuple[str, ...]:
    """Each argument once, by its long name where it has several: `-d/--data`, `-d' / '--data`."""
    parts = re.split(r",\s*|(?<=[^/])\s+(?=-)", told.replace("' / '", "/").strip())
    ways = (re.split(r"\s*/\s*", part.strip()) for part in parts if part.strip())
    return tuple(next((way for way in names if way.startswith("--")), names[-1]) for names in ways)[:8]


def _as_given(name: str, parser: str, usage: str) -> str:
    """The argument as it stands on the command line: `data` may be `--data`, `DATA` or `data=`."""
    if parser == "OmegaConf":
        return f"{name}="
    dashed = parser == "dashed" or re.search(rf"(?<![\w-])--{re.escape(name)}\b", usage)
    return f"--{name}" if dashed and not name.startswith("-") else name


def _example(name: str) -> str:
    if name.endswith("="):
        return f"{name}VALUE"
    return f"{name} VALUE" if name.startswith("-") else name.strip("$").upper()


RANKS_TOLD = (
    r"(?i)world[ _-]?size|\bnproc|(?:number|num)[ _]of[ _](?:gpus|processes|ranks|devices|nodes)"
    r"|\b\d+ (?:gpus?|gcds?|ranks?|processes)\b"
)
DIVISOR = r"(?i)\b(?:divisible by|multiple of) (?:\w+ \()?(\d{1,3})\b"
JOINED = r"(?P<here>\d+)/(?P<meant>\d+) clients joined"


def world_size_mismatch(evidence: Evidence) -> Iterator[Hit]:
    """The script insists on another number of ranks than it was started with."""
    started = ranks_started(evidence)
    world = evidence.request.world_size or (started.ranks if started else None)
    if world is None:
        return
    known = started if started and started.ranks == world else None
    note = script_note(evidence, "expects_world_size")
    for error in python_errors(evidence, r"(AssertionError|ValueError|RuntimeError|MisconfigurationException)$"):
        by_line = note is not None and any(re.search(rf", line {note.line}\b", frame) for frame in error.frames[-2:])
        numbers = {int(n) for n in re.findall(r"\b\d{1,5}\b", error.message)}
        by_words = re.search(RANKS_TOLD, error.message) is not None and bool(numbers - {world, 0, 1})
        if by_line or (by_words and not _of_store(error)):
            told = shorten(f"{error.exception}: {error.message}".rstrip(": "))
            line = (f"{evidence.request.job_path}, line {note.line}: {note.text}",) if note and by_line else ()
            asserted = re.search(r"==\s*(\d+)", note.text) if note and by_line else None
            stated = asserted or re.search(DIVISOR, error.message)
            yield _mismatch(world, known, (told, *line), int(stated[1]) if stated else None)
            return
    text = said(evidence, JOINED, limit=1)
    match = re.search(JOINED, text[0]) if text else None
    if match and int(match["here"]) == world != int(match["meant"]):
        yield _mismatch(world, known, (shorten(text[0]),), int(match["meant"]))


def _of_store(error: PythonError) -> bool:
    return "clients joined" in error.message


def _mismatch(world: int, known: Started | None, observed: tuple[str, ...], wanted: int | None = None) -> Hit:
    how = f" ({known.told})" if known else ""
    more = {"launch_as": f"{known.option}{wanted or 'NUMBER'}"} if known and known.option else {}
    ranks = f"{world} rank{'s' if world != 1 else ''}"
    return Hit(id="job-world-size-mismatch", observed=(*observed, f"The job was started with {ranks}{how}."),
               values={"ranks": ranks} | more | ({"wanted": str(wanted)} if wanted else {}))  # fmt: skip


NO_GPU = (
    r"only supported with GPUs, no GPUs found|Torch not compiled with CUDA enabled|No (?:CUDA|HIP) GPUs are available"
    r"|Found no NVIDIA driver on your system|no (?:ROCm|CUDA)-capable device is detected"
    r"|hipErrorNoDevice|Distributed package doesn't have NCCL built in|torch\.cuda\.is_available\(\) is False"
    r"|CUDAAccelerator`? can ?not run on your system|No supported gpu backend found"
)
"""What torch and frameworks on it say where a script wants a GPU and the machine has none."""


def no_gpu_here(evidence: Evidence) -> Iterator[Hit]:
    """A script for GPUs, started on a machine without one."""
    job = evidence.job
    if evidence.request.target != "local" or gpus(evidence) or job is None or job.ending == "completed":
        return
    if any(node.nvidia_smi or node.devices for node in evidence.telemetry.nodes):
        return
    if text := said(evidence, NO_GPU, limit=2):
        yield Hit(id="job-no-gpu-here", observed=tuple(map(shorten, text)))


RULES: tuple[Rule, ...] = (arguments_missing, world_size_mismatch, no_gpu_here)
