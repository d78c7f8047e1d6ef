"""Rules for the family job, fifth part: what was given and what the job was; options, and W&B's variables."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath

from harness.evidence.models import Evidence, SlurmJob
from harness.judging.ranks_started import ranks_started
from harness.judging.rule import Hit, Rule, Severity
from harness.judging.view import announced_links, main_local_run, main_server_run, server_runs

UNNAMED = "uncategorized"
MODES = {"dryrun": "offline", "run": "online"}
"""Old names of the modes."""
NAMES_PYTHON = re.compile(r"\.py\b|\s-m\s")
"""What names the Python script, or module, that a line of a batch script starts."""


def _slurm(evidence: Evidence) -> SlurmJob | None:
    return evidence.job.slurm if evidence.job else None


def _ranks(given: str, evidence: Evidence) -> str | None:
    started = ranks_started(evidence)
    if started is None:
        return None
    nodes = max(len(slurm.nodes), 1) if (slurm := _slurm(evidence)) else 1
    if given in (str(started.ranks), str(started.ranks // nodes)):
        return None
    return f"the job had {started.ranks} ({started.told})"


def _nodes(given: str, evidence: Evidence) -> str | None:
    slurm = _slurm(evidence)
    had = len(slurm.nodes) if slurm else 0
    return f"the job had {had} ({', '.join(slurm.nodes[:4])})" if slurm and had and given != str(had) else None


def _gpus(given: str, evidence: Evidence) -> str | None:
    slurm = _slurm(evidence)
    if slurm is None or slurm.gpus is None or not slurm.nodes:
        return None
    each = slurm.gpus / len(slurm.nodes)
    return None if given == f"{each:g}" else f"the job had {each:g} on a node"


def _name(had: Callable[[SlurmJob], str | None]) -> Callable[[str, Evidence], str | None]:
    def compared(given: str, evidence: Evidence) -> str | None:
        slurm = _slurm(evidence)
        value = had(slurm) if slurm else None
        return f"the job's is {value}" if value and value.lower() != given.lower() else None

    return compared


def _offline(_: str, evidence: Evidence) -> str | None:
    online = [run.run_id for run in evidence.local.runs if not run.offline]
    online += [run.id for run in server_runs(evidence)] if not evidence.local.runs and not evidence.synced else []
    return f"the job ran online (run {online[0]})" if online else None


def _script(given: str, evidence: Evidence) -> str | None:
    """What the job started in place of the script that was given; None where nothing tells, or it was that one."""
    slurm, name = _slurm(evidence), PurePath(given.removeprefix("-m ").strip()).name
    if slurm is None:
        return None
    lines = [launch.line for launch in slurm.launches]
    if name == PurePath(slurm.script_path or "").name or any(name in line for line in lines):
        return None
    mine = PurePath(evidence.request.job_path or "").name
    if evidence.request.job_kind != "batch":
        return f"the job was {mine or 'the built-in one'}" if mine != name else None
    if not lines or not all(NAMES_PYTHON.search(line) for line in lines):  # a variable may name it
        return None
    return f"the job's batch script starts: {lines[0]}; what is said of a script is of {name}"


TOLD: Mapping[str, Callable[[str, Evidence], str | None]] = {
    "--nproc": _ranks, "--lumi-nodes": _nodes, "--lumi-gpus": _gpus, "--offline": _offline, "--job": _script,
    "--lumi-account": _name(lambda slurm: slurm.account), "--lumi-partition": _name(lambda slurm: slurm.partition),
}  # fmt: skip
"""By option: what the job says against the value that was given."""


def option_contradicted(evidence: Evidence) -> Iterator[Hit]:
    """An option, or a variable of here, says otherwise than the job that ran already."""
    options = []
    for flag, value in evidence.request.given.items():
        if words := TOLD[flag](value, evidence):
            shown = flag if value == "1" and flag == "--offline" else f"{flag} {value}"
            options.append(f"{shown} was given, and {words}.")
    options += _of_two_jobs(evidence)
    variables = _variables_of_here(evidence)
    if options or variables:
        severity: Severity | None = None if options else "info"
        yield Hit(id="job-option-contradicted", observed=(*options, *variables), severity=severity)


def _of_two_jobs(evidence: Evidence) -> tuple[str, ...]:
    """The job's output names other runs than the run, or the folder, that was given beside it."""
    request = evidence.request
    given = f"--run {request.run_path}" if request.run_path else f"--run-dir {request.run_dir}"
    announced = {link.run_id for link in announced_links(evidence)}
    there = {run.id for run in server_runs(evidence)} | {run.run_id for run in evidence.local.runs}
    if request.source not in ("run", "run_dir") or not announced or not there or announced & there:
        return ()
    other, own = ", ".join(sorted(announced)[:3]), ", ".join(sorted(there)[:3])
    return (f"--job-log {request.job_log} is the output of run {other}, and {given} is run {own}: two jobs.",)


def _variables_of_here(evidence: Evidence) -> tuple[str, ...]:
    """What W&B's variables say here, and what a job does that was submitted by hand."""
    slurm = _slurm(evidence)
    if slurm is None or not slurm.attached or evidence.request.job_kind == "builtin":
        return ()
    here, seen = _here(evidence), _seen(evidence)
    names = ("WANDB_PROJECT", "WANDB_ENTITY", "WANDB_MODE", "WANDB_DIR")
    return tuple(
        f"{name}={here[name]} is set here, and the job has {seen[name]}."
        for name in names
        if here.get(name) and name in seen and _plain(name, here[name]) != seen[name]
    )


def _here(evidence: Evidence) -> Mapping[str, str]:
    return evidence.setup.place.variables if evidence.setup else {}


def _plain(name: str, value: str) -> str:
    return MODES.get(value, value) if name == "WANDB_MODE" else value.rstrip("/")


def _seen(evidence: Evidence) -> dict[str, str]:
    """What the job's run shows of W&B's variables; an empty value where it shows that none was set."""
    local, server = main_local_run(evidence), main_server_run(evidence)
    facts = local.log.run if local else None
    found: dict[str, str] = {}
    if local:
        found["WANDB_MODE"] = "offline" if local.offline else "online"
        found["WANDB_DIR"] = str(PurePath(local.path).parent.parent)
    if facts:
        found |= {"WANDB_PROJECT": facts.project or UNNAMED, "WANDB_RUN_GROUP": facts.group,
                  "WANDB_TAGS": ",".join(facts.tags)}  # fmt: skip
    elif server:
        found |= {"WANDB_PROJECT": server.project, "WANDB_RUN_GROUP": server.group or "",
                  "WANDB_TAGS": ",".join(server.tags)}  # fmt: skip
    if entity := (server.entity if server else "") or (facts.entity if facts else ""):
        found["WANDB_ENTITY"] = entity
    return found


def variables_lost(evidence: Evidence) -> Iterator[Hit]:
    """Variables were set when the job was submitted, and its run is as if they had not been."""
    slurm, seen = _slurm(evidence), _seen(evidence)
    if slurm is None or not seen:
        return
    kept = slurm.submitted_with
    given = kept if kept is not None else _here(evidence) if slurm.attached else {}
    when = "was set when the job was submitted" if kept is not None else "is set here"
    viewer = evidence.setup.network.viewer if evidence.setup else None
    unset = {"WANDB_MODE": "online", "WANDB_PROJECT": UNNAMED, "WANDB_RUN_GROUP": "", "WANDB_TAGS": "",
             "WANDB_ENTITY": (viewer.entity if viewer else None) or "?",
             "WANDB_DIR": (evidence.job.cwd if evidence.job else None) or "?"}  # fmt: skip
    left_alone = [n for n in unset if n in seen and n not in slurm.script_sets]
    compared = [n for n in left_alone if given.get(n) and _plain(n, given[n]) != unset[n]]
    lost = [n for n in compared if seen[n] == unset[n]]
    arrived = [n for n in compared if n not in lost]
    # One that did not arrive may be the script's own choice; where none of several did, something took them away.
    if not lost or not (slurm.kept_out or (len(lost) > 1 and not arrived)):
        return
    yield Hit(
        id="job-variables-lost",
        observed=(
            *(f"{n}={given[n]} {when}; the job's run has {seen[n] or 'none'}." for n in lost),
            *(f"The job was submitted with {words}." for words in slurm.kept_out),
            *(f"The batch script has {words}: it takes away what modules had set." for words in slurm.unloaded),
            *((f"{', '.join(arrived)} arrived.",) if arrived else ()),
        ),
        values={"names": ", ".join(lost), "exports": _exports(given, lost, "")}
        | ({"container_exports": _exports(given, lost, "SINGULARITYENV_")} if _cleaned(slurm) else {}),
    )


def _exports(given: Mapping[str, str], names: Sequence[str], prefix: str) -> str:
    return "\n".join(f"  export {prefix}{name}={shlex.quote(given[name])}" for name in names)


def _cleaned(slurm: SlurmJob) -> bool:
    """Whether a container was started without the variables around it."""
    return any("clean" in words or "contain" in words for words in slurm.kept_out)


RULES: tuple[Rule, ...] = (option_contradicted, variables_lost)
