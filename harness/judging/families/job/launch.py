"""Rules for the family job, third part: what the script wanted of its call: arguments, ranks, a GPU."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, PythonError
from harness.judging.families.network.reach import shorten
from harness.judging.rule import Rule
from harness.judging.system_series import gpus
from harness.judging.verdict import Hit
from harness.judging.view import find_lines, python_errors, said, script_note

ARGUMENTS: tuple[tuple[str, str], ...] = (
    (r"error: the following arguments are required: (?P<names>.+)", "argparse"),
    (r"error: one of the arguments (?P<names>.+) is required", "argparse"),
    (r"(?:Error: |│ |error: )Missing (?P<kind>option|argument|parameter) '(?P<names>[^']+)'", "click"),
    (r"The function received no value for the required argument: (?P<names>\S+)", "Fire"),
    (r"MissingMandatoryValue: Missing mandatory value: (?P<names>\S+)", "OmegaConf"),
    (r"(?:│ )?(?:The following (?:arguments|options) are required|Required options)\W+(?P<names>--\S.*?)(?: *│)?$",
     "tyro"),
    (r"flag --(?P<names>\S+?)=None: Flag --\S+ must have a value other than None", "absl"),
    (r"error: (?:Key|Option|Parser key) ['\"](?P<names>[^'\"]+)['\"] is required", "jsonargparse"),
    (r"line \d+: (?P<names>\$?\d+): (?:unbound variable|parameter (?:null or )?not set)", "bash"),
)  # fmt: skip
"""What parsers of arguments say of one that is not there, each with the parser's name."""
WRONG = (
    r"error: (?P<words>unrecognized arguments: .+|argument \S+: (?:invalid|expected|not allowed) .+)"
    r"|Error: (?P<words2>No such option:? .+|Got unexpected extra argument.+|Invalid value for .+)"
    r"|(?P<words3>Could not override '[^']+'.*)"
)
"""What they say of one that they do not take."""


def arguments_missing(evidence: Evidence) -> Iterator[Hit]:
    """The script ended before it began, for want of an argument or over a wrong one."""
    if evidence.job is None or evidence.job.ending == "completed":
        return
    for pattern, parser in ARGUMENTS:
        text = said(evidence, pattern, limit=1)
        if text and (match := re.search(pattern, text[0])):
            names = _names(match["names"], positional=match.groupdict().get("kind") == "argument")
            call = " ".join(f"{name}=VALUE" if parser == "OmegaConf" else _example(name, parser) for name in names)
            usage = find_lines(evidence, r"(?i)^usage: ", limit=1)
            values = {"arguments": ", ".join(names), "call": call, "how": "needs"}
            yield Hit(id="job-arguments-missing", observed=(shorten(text[0]), *usage), values=values)
            return
    if text := said(evidence, WRONG, limit=1):
        match = re.search(WRONG, text[0])
        words = next((g for g in match.groups() if g), text[0]) if match else text[0]
        usage = find_lines(evidence, r"(?i)^usage: ", limit=1)
        values = {"arguments": shorten(words), "call": "…", "how": "does not take its arguments:"}
        yield Hit(id="job-arguments-missing", observed=(shorten(text[0]), *usage), values=values)


def _names(told: str, *, positional: bool) -> tuple[str, ...]:
    """Names of arguments, one of each that is known by several: `-d/--data` or `-d / --data`."""
    parts = re.split(r",\s*|\s+(?=-)(?<!/ )", told.strip()) if not positional else [told]
    return tuple(re.split(r"\s*/\s*", part.strip())[-1] for part in parts if part.strip(" /"))[:8]


def _example(name: str, parser: str) -> str:
    if parser in ("Fire", "absl", "jsonargparse") and not name.startswith("-"):
        return f"--{name} VALUE"
    return f"{name} VALUE" if name.startswith("-") else name.upper()


RANKS_TOLD = (
    r"(?i)world[ _-]?size|\bnproc|(?:number|num)[ _]of[ _](?:gpus|processes|ranks|devices|nodes)"
    r"|\b\d+ (?:gpus?|gcds?|ranks?|processes)\b"
)
JOINED = r"(?P<here>\d+)/(?P<meant>\d+) clients joined"


def world_size_mismatch(evidence: Evidence) -> Iterator[Hit]:
    """The script insists on another number of ranks than it was started with."""
    world = evidence.request.world_size
    if world is None:
        return
    note = script_note(evidence, "expects_world_size")
    for error in python_errors(evidence, r"(AssertionError|ValueError|RuntimeError|MisconfigurationException)$"):
        by_line = note is not None and any(re.search(rf", line {note.line}\b", frame) for frame in error.frames[-2:])
        numbers = {int(n) for n in re.findall(r"\b\d{1,5}\b", error.message)}
        by_words = re.search(RANKS_TOLD, error.message) is not None and bool(numbers - {world, 0, 1})
        if by_line or (by_words and not _of_store(error)):
            told = shorten(f"{error.exception}: {error.message}".rstrip(": "))
            line = (f"{evidence.request.job_path}, line {note.line}: {note.text}",) if note and by_line else ()
            yield _mismatch(world, (told, *line))
            return
    text = said(evidence, JOINED, limit=1)
    match = re.search(JOINED, text[0]) if text else None
    if match and int(match["here"]) == world != int(match["meant"]):
        yield _mismatch(world, (shorten(text[0]),))


def _of_store(error: PythonError) -> bool:
    return "clients joined" in error.message


def _mismatch(world: int, observed: tuple[str, ...]) -> Hit:
    ranks = f"{world} rank{'s' if world != 1 else ''}"
    return Hit(id="job-world-size-mismatch", observed=(*observed, f"The job was started with {ranks}."),
               values={"ranks": ranks})  # fmt: skip


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
