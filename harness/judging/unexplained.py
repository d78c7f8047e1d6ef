"""The finding for a symptom that no rule explains: what bears on it, and what would decide."""

import re
from collections.abc import Iterator, Sequence
from shlex import quote

from harness.evidence.models import Evidence
from harness.judging.case import Case
from harness.judging.check import bare
from harness.judging.duplicates import began_together, listed, made_by_one_process, writers
from harness.judging.nearest import Parting, parting, timeline
from harness.judging.verdict import CheckResult, Finding
from harness.judging.view import (
    LAUNCHER,
    NO_WORD,
    http_troubles,
    main_local_run,
    output_lines,
    python_errors,
    script_note,
    silent,
)

MOST_RUNS = 6
LAST_LINES = 8


def unknown(case: Case, checks: Sequence[CheckResult], asked: Sequence[CheckResult] = ()) -> Finding:
    """Say that no rule explains a symptom: the facts nearest to it, what holds and what does not, and who may know.

    Args:
        case: what it is about.
        checks: those that failed and that no cause explains.
        asked: all of them.
    """
    evidence, parts = case.evidence, parting(case)
    observed = [*_no_word(evidence), *_several_runs(evidence, checks), *_raised(evidence), *_answered(evidence)]
    observed += [*timeline(evidence), parts.words]
    observed += [line[:300] for line in output_lines(evidence)[-LAST_LINES:] if re.search(r"\w", line)]
    observed += [f"{short(c.name)}: {c.reason}" for c in sorted(checks, key=lambda c: c.name)]
    holds = dict.fromkeys(bare(name) for name in sorted(c.name for c in asked if c.outcome == "passed"))
    return Finding(
        id="unknown",
        severity="error",
        title="No known fault explains this",
        observed=(*dict.fromkeys(observed), *([f"What holds: {', '.join(holds)}"] if holds else [])),
        advice=(*_advice(evidence, checks), *_look(case, parts), _send(evidence, parts)),
        guide_section="Troubleshooting",
        links=("https://docs.wandb.ai/support/",),
    )


def short(name: str) -> str:
    """A check's name without its file."""
    return name.rpartition("::")[2]


def _look(case: Case, parts: Parting) -> Iterator[str]:
    """Where something is written that was not read here in full."""
    run = main_local_run(case.evidence)
    if run and parts.layer != "scheduler":
        yield f"Read what the SDK did in its last seconds:\n  tail -n 40 {quote(run.path)}/logs/debug-internal.log"
    slurm = case.evidence.job.slurm if case.evidence.job else None
    if slurm and slurm.job_id:
        columns = "JobID,State,ExitCode,Elapsed,NodeList"
        yield f"Ask Slurm for its whole story:\n  sacct -j {slurm.job_id} --format={columns}"


def _send(evidence: Evidence, parts: Parting) -> str:
    """Whom to ask, with what."""
    lumi = evidence.request.target == "slurm"
    if parts.layer == "server":
        whom, what = "W&B support", "; name the run's page"
    elif parts.layer == "scheduler":
        whom, what = ("LUMI user support" if lumi else "whoever runs the cluster"), "; name the job's id"
    elif parts.layer == "script" or python_errors(evidence):
        whom, what = "whoever wrote the script", ", with the script"
    else:
        whom, what = ("LUMI user support" if lumi else "W&B support"), ""
    return f"Pack what was seen, without keys, and send it to {whom}{what}:\n  lumi-wandb bundle"


def _no_word(evidence: Evidence) -> Iterator[str]:
    if not silent(evidence):
        return
    yield NO_WORD
    for note in evidence.setup.script_notes if evidence.setup else ():
        meaning = {
            "text_compared_with_number": "a variable's text never equals a number",
            "init_error_swallowed": "an error of wandb.init() ends here",
        }.get(note.kind)
        if meaning:
            yield f"{evidence.request.job_path}, line {note.line}: {note.text}    ({meaning})"


def _several_runs(evidence: Evidence, checks: Sequence[CheckResult]) -> Iterator[str]:
    if not any("test_exactly_one_run" in check.name for check in checks):
        return
    found = writers(evidence)
    if made_by_one_process(found):
        pids = listed(sorted({str(w.pid) for w in found if w.pid}))
        yield f"One process made several of them (pid {pids}): it called wandb.init() again."
    elif not began_together(evidence, found):
        yield "They follow each other: wandb.init() was called again after an earlier run had begun."
    times = [w.begun for w in found if w.begun is not None]
    for writer in found[:MOST_RUNS]:
        begun = f"began {writer.begun - min(times):.0f} s after the first, " if writer.begun is not None else ""
        ended = "finished" if writer.finished else "not finished"
        held = f"{writer.rows} rows, {ended}" if writer.rows is not None else "what it holds is not known here"
        yield f"{writer.where}: {begun}{held}."


def _raised(evidence: Evidence) -> Iterator[str]:
    """What the script raised; what its launcher says of it is no more than that."""
    errors = [e for e in python_errors(evidence) if not re.search(LAUNCHER, e.exception)]
    for error in errors[-3:]:
        yield f"{error.exception}: {error.message}"[:300]
        yield from (frame.strip() for frame in error.frames[:1])


def _answered(evidence: Evidence) -> Iterator[str]:
    """What the server answered to the SDK where it refused."""
    for trouble in http_troubles(evidence)[:3]:
        if trouble.status:
            times = f", {trouble.count} times" if trouble.count > 1 else ""
            words = f": {trouble.text[:200]}" if trouble.text else ""
            yield f"The server answered {trouble.path or 'a request'} with HTTP {trouble.status}{times}{words}"


def _advice(evidence: Evidence, checks: Sequence[CheckResult]) -> Iterator[str]:
    script = evidence.request.job_path or "the script"
    if silent(evidence):
        if note := script_note(evidence, "text_compared_with_number"):
            yield f'Line {note.line}: compare a number with a number:\n  int(os.environ["RANK"]) == 0'
        if note := script_note(evidence, "init_error_swallowed"):
            yield f"Line {note.line}: let the error be seen:\n  import traceback; traceback.print_exc()"
        yield (
            "See whether any rank reaches wandb.init(), and in which mode. Right before it:\n"
            '  print("rank", os.environ.get("RANK"), "mode", os.environ.get("WANDB_MODE"), flush=True)'
        )
        yield f"And whether a condition, a flag or a try stands around it:\n  grep -nE 'wandb|try:|except' {script}"
    elif any("test_exactly_one_run" in check.name for check in checks):
        yield f"See where runs are made; one is meant:\n  grep -nE 'wandb.init|reinit|finish' {script}"
        yield 'If several are meant (folds, phases, a sweep), say so by a group:\n  wandb.init(group="my-experiment")'
