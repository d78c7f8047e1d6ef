"""Rules for the family init that look at the installation: the package, its service, its folder, the disk."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, JobPython
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.setup_questions import sdk_problem
from harness.judging.view import names_sdk_folder, passed_through_sdk, python_errors, said, sdk_log_lines

HIDDEN = r"module 'wandb' has no attribute '(init|login|log|Settings|finish|config|sdk|Api|run|util)'"
CIRCULAR = r"partially initialized module 'wandb' has no attribute"
NOT_INSTALLED = r"ModuleNotFoundError: No module named 'wandb'(?!\.)"
NO_SPACE = r"[Nn]o space left on device|[Dd]isk quota exceeded|\[Errno (?:28|122)\]"
NO_FOLDER = (
    r"Unable to create root directory|Path \S+ wasn't (read/)?writable|System temp directory \(\S+\) is not writable"
)
NO_TEMPORARY = r"System temp directory \(\S+\) is not writable"
NAMED_FOLDER = r"directory (/\S+?)[.,]?$|Path (\S+) wasn't|(?:denied|directory|exists|system): '([^']+)'"
ARTIFACTS = r"wandb\S*/artifacts/|artifacts/(staging|obj)"
"""A folder of its own, with a fault of its own."""
PANIC = r"^panic: runtime error|HandleAbandonedError|MailboxClosedError|The wandb backend process has shutdown"
STALE = r"WandbServiceConnectionError|Failed to parse WANDB_SERVICE=|ValueError: Invalid token: \d+-\d+-"


def _python(evidence: Evidence) -> JobPython | None:
    """The interpreter of a job that is a Python script: a batch script may use another one."""
    probed = evidence.setup.python if evidence.setup else None
    return probed if evidence.request.job_kind != "batch" else None


def _unstarted(evidence: Evidence) -> JobPython | None:
    """The interpreter of a job that has not started: what it would import is then all that can be known."""
    waiting = evidence.request.source == "job" and (evidence.job is None or evidence.job.started_at is None)
    return _python(evidence) if waiting else None


def _moved(file: str) -> dict[str, str]:
    """The file or the folder of a package that hides the SDK, and a name that does not."""
    path = file.removesuffix("/__init__.py")
    return {"file": file, "hiding": path, "renamed": re.sub(r"wandb(\.py)?$", r"my_wandb\1", path)}


def shadowed(evidence: Evidence) -> Iterator[Hit]:
    """Something else than the package answers to the name wandb."""
    if init_succeeded(evidence):
        return
    circular, hidden = said(evidence, CIRCULAR), said(evidence, HIDDEN)
    python = _python(evidence)
    kind = python.wandb_kind if python else "unknown"
    place = python.wandb_location if python else None
    if (problem := sdk_problem(_unstarted(evidence))) and kind in ("file", "namespace_folder"):
        hidden = (problem,)
    if circular or (hidden and kind == "file"):
        file = place if kind == "file" and place else _named_file(evidence) or "wandb.py beside your script"
        yield Hit(id="init-shadowed-by-file", observed=circular or hidden, values=_moved(file))
    elif hidden:
        # Where the harness finds the package for its own Python, or a folder, no file stands beside the script.
        doubt = () if kind in ("namespace_folder", "package") else (
            "A file wandb.py beside the script gives the same error: print(wandb.__file__) is None for a folder.",
        )  # fmt: skip
        folder_named = place if place and kind == "namespace_folder" else "./wandb"
        yield Hit(id="init-shadowed-by-folder", observed=(*hidden, *doubt), values={"folder": folder_named})


def _named_file(evidence: Evidence) -> str | None:
    """The user's wandb.py among the frames of the traceback."""
    frames = [frame for e in python_errors(evidence) for frame in e.frames]
    found = (re.search(r'File "([^"]*/wandb(?:\.py|/__init__\.py))"', frame) for frame in frames)
    return next((m[1] for m in found if m and "site-packages" not in m[1]), None)


def not_installed(evidence: Evidence) -> Iterator[Hit]:
    """The import failed, or there is nothing to import and no run came of it."""
    if init_succeeded(evidence):
        return
    observed = said(evidence, NOT_INSTALLED, limit=1)
    slurm = evidence.job.slurm if evidence.job else None
    if not observed and slurm and slurm.container_wandb == "missing":
        observed = (f"The image has no wandb: {slurm.container}",)
    python = _python(evidence)
    ran = evidence.job is not None and evidence.job.started_at is not None and not evidence.local.runs
    quiet = ran and not python_errors(evidence)
    if not observed and quiet and python and python.wandb_kind == "missing":
        observed = (f"{python.executable} finds no package named wandb, and the job made no run.",)
    if (problem := sdk_problem(_unstarted(evidence))) and python and python.wandb_kind == "missing":
        observed = (problem,)
    if observed:
        unsent = evidence.job is not None and evidence.job.ending == "refused"
        yield Hit(id="init-not-installed", observed=observed, fails=("test_job_was_submitted",) if unsent else None)


def core_missing(evidence: Evidence) -> Iterator[Hit]:
    """The package is there without its program."""
    if init_succeeded(evidence):
        return
    observed = said(evidence, r"WandbCoreNotAvailableError|File not found: \S*wandb/bin/wandb-core", limit=1)
    python = _unstarted(evidence)
    if (problem := sdk_problem(python)) and python and python.wandb_kind == "package":
        observed = (problem,)
    if observed:
        yield Hit(id="init-core-missing", observed=tuple(map(shorten, observed)))


def conflict(evidence: Evidence) -> Iterator[Hit]:
    """The import of wandb failed over protobuf or pydantic."""
    if init_succeeded(evidence):
        return
    words = {
        "protobuf": r"Descriptors cannot (not )?be created|message_types_by_name"
        r"|incompatible Protobuf|cannot import name '\w+' from '(google\.protobuf|wandb\.proto\.)",
        "pydantic": r"cannot import name '\w+' from 'pydantic|PydanticUserError"
        r"|No module named 'pydantic",
    }
    python = _python(evidence)
    for package, pattern in words.items():
        errors = [e for e in python_errors(evidence, text=pattern) if passed_through_sdk(e)]
        if not errors:
            continue
        version = python.packages.get(package) if python else None
        versions = f" (wandb {python.wandb_version or '?'}, {package} {version})" if python and version else ""
        observed = tuple(shorten(f"{e.exception}: {e.message}") for e in errors[:2])
        yield Hit(id=f"init-{package}-conflict", observed=observed, values={"versions": versions})


def service(evidence: Evidence) -> Iterator[Hit]:
    """The helper process is not where WANDB_SERVICE says, did not start in time, or ended at once."""
    if init_succeeded(evidence):
        return
    variables = evidence.setup.place.variables if evidence.setup else {}
    stale = said(evidence, STALE, limit=1)
    refused = python_errors(evidence, "ConnectionRefusedError")
    if stale or (refused and "WANDB_SERVICE" in variables and passed_through_sdk(refused[0])):
        value = variables.get("WANDB_SERVICE")
        named = (f"WANDB_SERVICE={value} is in the environment.",) if value else ()
        yield Hit(id="init-stale-wandb-service", observed=(*map(shorten, stale), *named))
    late = said(evidence, r"Failed to read port info after|Timed out waiting for wandb service to start", limit=1)
    if late:
        yield Hit(id="init-service-start-timeout", observed=tuple(map(shorten, late)))
    died = said(evidence, r"wandb-core exited with code -?\d+|The wandb service process exited with -?\d+", limit=1)
    if died:
        codes = re.findall(r"exited with (?:code )?(-?\d+)", died[0])
        values = {"code": f" (exit code {codes[0]})"}
        yield Hit(id="init-service-died", observed=tuple(map(shorten, died)), values=values)


def panicked(evidence: Evidence) -> Iterator[Hit]:
    """wandb-core broke off in the middle of its work."""
    observed = said(evidence, PANIC, limit=2)
    broken = [e for e in python_errors(evidence, "BrokenPipeError") if passed_through_sdk(e)]
    if not observed and broken:
        observed = (f"{broken[0].exception}: {broken[0].message}",)
    if observed:
        yield Hit(id="init-core-panic", observed=tuple(map(shorten, observed)))


def folder(evidence: Evidence) -> Iterator[Hit]:
    """The place for run directories cannot be written: the SDK gave up, or went on in a temporary folder."""
    printed = said(evidence, NO_FOLDER)
    go = said(evidence, r"(mkdir|open|create) \S+/wandb\S*: (permission denied|read-only file system)", limit=1)
    denied = [
        f"{e.exception}: {e.message}"
        for e in python_errors(evidence, "Error$", r"\[Errno (13|17|20|30)\]")
        if (passed_through_sdk(e) or names_sdk_folder(e)) and not re.search(ARTIFACTS, e.message)
    ]
    place = evidence.setup.place if evidence.setup else None
    went = [run.path for run in evidence.local.runs if place and not run.path.startswith(place.wandb_dir)]
    moved = went if place and not place.wandb_dir_writable else []
    if not (printed or go or denied or moved):
        return
    named = re.search(NAMED_FOLDER, "\n".join((*printed, *denied)), re.MULTILINE)
    where = next((g for g in named.groups() if g), None) if named else None
    away = said(evidence, r"Run data is saved locally in \S+|Falling back to temporary directory", limit=1)
    observed = (*printed[:1], *go, *denied[:1], *away, *(f"The run is in {path}." for path in went[:1]))
    survived = init_succeeded(evidence)
    if survived and went and all(run.offline for run in evidence.local.runs):
        return  # the only copy of the run is there: offline-dir-in-ram says so
    yield Hit(
        id="init-dir-not-writable",
        observed=tuple(dict.fromkeys(map(shorten, observed))),
        values={
            "folder": where or (place.wandb_dir if place else "its folder"),
            "fallback": ", so it used a temporary folder" if survived else "",
        },
        # The SDK went on elsewhere: a run that reached the server is whole, its local copy is where it may vanish.
        severity="warning" if survived or (away and not re.search(NO_TEMPORARY, "\n".join(printed))) else None,
    )


def disk_full(evidence: Evidence) -> Iterator[Hit]:
    """Something could not be written for want of space or quota."""
    lines = said(evidence, NO_SPACE) or sdk_log_lines(evidence, NO_SPACE)
    if not lines:
        return
    named = re.search(r"(?:write|open|mkdir|create) (/\S+?):|: '(/[^']+)'", "\n".join(lines))
    where = next((g for g in named.groups() if g), None) if named else None
    free = evidence.setup.place.wandb_dir_free_bytes if evidence.setup else None
    space = (f"Free where wandb writes: {free / 2**20:.1f} MiB.",) if free is not None and free < 2**30 else ()
    values = {"where": f" ({where})" if where else ""}
    yield Hit(id="init-disk-quota", observed=(*map(shorten, lines[:2]), *space), values=values)


RULES: tuple[Rule, ...] = (
    service, core_missing, shadowed, not_installed, conflict, folder, disk_full, panicked,
)  # fmt: skip
