"""Rules for the family init that look at what the script asks of wandb: names, ids, and the order of calls."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, PythonError
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import (
    NO_WORD,
    find_lines,
    made_no_run,
    names_no_wandb,
    python_errors,
    said,
    script_note,
    server_runs,
    silent,
)

NO_RUN = r"You must call wandb\.init\(\) before wandb\.\w+"
FINISHED = r"Run \(\S+\) is finished\. The call to `\w+` will be ignored"
FOOTER = r"Run summary:|Synced \d+ W&B file|You can sync this run to the cloud"


def bad_names(evidence: Evidence) -> Iterator[Hit]:
    """A project's name or a run's id that the SDK itself refuses."""
    if init_succeeded(evidence):
        return
    # One that is too long is init-value-too-long.
    if observed := said(evidence, r"Invalid project name '(?!.*exceeded \d+ characters)", limit=1):
        match = re.search(r"Invalid project name '(.*?)':", observed[0])
        name = match[1] if match else "see below"
        yield Hit(id="init-bad-project-name", observed=observed, values=_project(name))
    if observed := said(evidence, r"Run ID cannot (be empty|start or end|contain)", limit=1):
        variables = evidence.setup.place.variables if evidence.setup else {}
        named = (f"WANDB_RUN_ID is '{variables['WANDB_RUN_ID']}'.",) if "WANDB_RUN_ID" in variables else ()
        yield Hit(id="init-bad-run-id", observed=(*observed, *named))


def _project(name: str) -> dict[str, str]:
    alone = re.sub(r"[/\\\\#?%:]", "-", name.rpartition("/")[2])[:128]
    return {"name": name, "project_alone": alone}


def never_reached(evidence: Evidence) -> Iterator[Hit]:
    """A job without a run, whose every wandb.init() stands behind a guard that is never true."""
    note, job = script_note(evidence, "init_never_reached"), evidence.job
    if note and job and job.ending == "completed" and made_no_run(evidence) and not job.output.links:
        observed = f"{evidence.request.job_path}, line {note.line}: {note.text}"
        seen = NO_WORD if silent(evidence) else "The job ended well and made no run."
        yield Hit(id="init-never-reached", observed=(seen, observed), values={"line": str(note.line)})


def without_wandb(evidence: Evidence) -> Iterator[Hit]:
    """A job that ended well without a run, and in whose script nothing names W&B or a framework that may log to it."""
    job = evidence.job
    if job is None or job.ending != "completed" or job.output.links:
        return
    if not names_no_wandb(evidence) or not made_no_run(evidence):
        return
    observed = (f"{evidence.request.job_path} does not name wandb, and the job ended well and made no run.",)
    yield Hit(id="init-script-without-wandb", observed=observed)


def logged_without_run(evidence: Evidence) -> Iterator[Hit]:
    """wandb.log() on a process that has no run: it never had one, or it has finished it."""
    errors = python_errors(evidence, text=NO_RUN)
    printed = find_lines(evidence, NO_RUN, limit=1)
    after = said(evidence, FINISHED, limit=1)
    if after:
        yield Hit(id="init-log-after-finish", observed=after)
    elif errors and _all_after_finish(evidence, errors):
        yield Hit(id="init-log-after-finish", observed=(*printed, "The run had been finished before that."))
    elif errors or printed:
        ranks = sorted({e.rank for e in errors if e.rank is not None})
        where = f" (rank {', '.join(map(str, ranks))})" if ranks else ""
        observed = printed or (f"{errors[0].exception}: {errors[0].message}",)
        yield Hit(id="init-log-before-init", observed=observed, values={"ranks": where})


def _all_after_finish(evidence: Evidence, errors: tuple[PythonError, ...]) -> bool:
    """Whether each of these errors came from the process that had finished its run shortly before.

    The SDK says the same after wandb.finish() as on a rank that never had a run. A run's summary in the output before
    the one error, on the only rank or on rank 0, tells the two apart.
    """
    job = evidence.job
    if job is None or len(errors) != 1:
        return False
    footers = [line.number for line in (*job.output.wandb_lines, *job.output.tail) if re.search(FOOTER, line.text)]
    first_rank = errors[0].rank == 0 or (errors[0].rank is None and evidence.request.world_size in (None, 1))
    at, file_of = errors[0].line, job.output.file_of
    return first_rank and any(number < at and file_of(number) == file_of(at) for number in footers)


def two_inits(evidence: Evidence) -> Iterator[Hit]:
    """A second wandb.init() in one process got the first one's run."""
    lines = find_lines(evidence, r"wandb\.init\(\) called while a run is active and reinit is set to")
    ended = find_lines(evidence, r"Finishing last run \(ID:\S+\) before initializing another")
    if lines or (ended and len(server_runs(evidence)) > 1):
        yield Hit(id="init-active-run-returned", observed=tuple(map(shorten, lines or ended)))


def late_variables(evidence: Evidence) -> Iterator[Hit]:
    """The SDK says that it ignores variables that were set after it had started."""
    if lines := find_lines(evidence, r"Changes to your `wandb` environment variables will be ignored", limit=1):
        yield Hit(id="init-env-changed-late", observed=tuple(map(shorten, lines)))


RULES: tuple[Rule, ...] = (bad_names, never_reached, without_wandb, late_variables, logged_without_run, two_inits)
