"""The finding for a symptom that no rule explains: what bears on it, and what would decide."""

import re
from collections.abc import Iterator, Sequence

from harness.evidence.models import Evidence
from harness.judging.case import Case
from harness.judging.duplicates import began_together, listed, made_by_one_process, writers
from harness.judging.verdict import CheckResult, Finding
from harness.judging.view import (
    LAUNCHER,
    NO_WORD,
    final_server,
    http_troubles,
    output_lines,
    python_errors,
    script_note,
    silent,
)

MOST_RUNS = 6


def unknown(case: Case, checks: Sequence[CheckResult]) -> Finding:
    """Say that no rule explains a symptom; what bears on it comes first, what the job printed last."""
    evidence = case.evidence
    observed = [*_no_word(evidence), *_several_runs(evidence, checks), *_raised(evidence), *_answered(evidence)]
    logs = [f"{ln.file}: {ln.text}" for r in evidence.local.runs for ln in r.sdk_logs.lines]
    observed += [*(line[:300] for line in logs[-4:]), *_job(evidence)]
    observed += [line for line in list(output_lines(evidence))[-8:] if line.strip()]
    advice = [*_advice(evidence, checks)]
    observed += [f"{c.name.rpartition('::')[2]}: {c.reason}" for c in checks]
    return Finding(
        id="unknown",
        severity="error",
        title="No known fault explains this",
        observed=tuple(dict.fromkeys(observed)),
        advice=(
            *(advice or ["Read the observations above from the top: the first error is usually the cause."]),
            "Open job.log in the report folder, and logs/debug-internal.log in the run directory.",
            "Send evidence.json of the report folder to support: it holds what was seen, without keys.",
        ),
        guide_section="Troubleshooting",
        links=("https://docs.wandb.ai/support/",),
    )


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


def _job(evidence: Evidence) -> Iterator[str]:
    job = evidence.job
    if job is None:
        return
    code = f", exit code {job.exit_code}" if job.exit_code is not None else ""
    yield f"the job ended as {job.ending.replace('_', ' ')}{code}"
    reading = final_server(evidence)
    status = reading.status.replace("_", " ")
    yield f"server: {status}, runs: {reading.runs_total}; runs on disk: {len(evidence.local.runs)}"


def _advice(evidence: Evidence, checks: Sequence[CheckResult]) -> Iterator[str]:
    script = evidence.request.job_path or "the script"
    if silent(evidence):
        if note := script_note(evidence, "text_compared_with_number"):
            yield f'Line {note.line}: compare a number with a number:\n  int(os.environ["RANK"]) == 0'
        if note := script_note(evidence, "init_error_swallowed"):
            yield f"Line {note.line}: let the error be seen, then run again:\n  import traceback; traceback.print_exc()"
        yield (
            "See whether any rank reaches wandb.init(), and in which mode. Right before it:\n"
            '  print("rank", os.environ.get("RANK"), "mode", os.environ.get("WANDB_MODE"), flush=True)'
        )
        yield f"And whether a condition, a flag or a try stands around it:\n  grep -nE 'wandb|try:|except' {script}"
    elif any("test_exactly_one_run" in check.name for check in checks):
        yield f"See where runs are made; one is meant:\n  grep -nE 'wandb.init|reinit|finish' {script}"
        yield 'If several are meant (folds, phases, a sweep), say so by a group:\n  wandb.init(group="my-experiment")'
