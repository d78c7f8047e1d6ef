"""Rules for the family end of run: killed, failed, interrupted, unfinished, and what was lost with it."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, LocalRun, PythonError
from harness.judging.advice import job_sdk_version
from harness.judging.attempts import made_good
from harness.judging.catalogue import catalogue, version_key
from harness.judging.families.end_of_run.packages import module_of, package_of
from harness.judging.families.end_of_run.service import RULES as SERVICE_RULES
from harness.judging.families.end_of_run.service import broke_off, ended_by_slurm
from harness.judging.families.end_of_run.upload import RULES as UPLOAD_RULES
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.families.network.upload import CLOSED, hangs, upload_failures
from harness.judging.live.of_evidence import life_of
from harness.judging.rule import Hit, Rule
from harness.judging.run_end import cut_off_afterwards, job_over, last_sign, life
from harness.judging.view import (
    LAUNCHER,
    contradiction,
    find_lines,
    main_local_run,
    main_server_run,
    python_errors,
    said,
    sdk_log_lines,
)

SIGNALLED = {"143": "SIGTERM", "137": "SIGKILL"}
"""Exit codes of what a signal ended: 128 and its number, also as a handler in the script passes it on."""
TIMED_OUT = 124
"""Exit code of timeout(1)."""
FORCED = r"parent process exited|forced shutdown"


def ended(evidence: Evidence) -> bool:
    """Whether the job is over and was there at all; of a job not seen the server or the folder on disk tells it."""
    if (over := job_over(evidence)) is not None:
        return over
    local, server = main_local_run(evidence), main_server_run(evidence)
    if server is not None and server.state != "running":
        return True
    return local is not None and life(local, evidence) == "over"


def signals(evidence: Evidence) -> tuple[str, ...]:
    """Signals that ended processes of the job, the first one first."""
    job = evidence.job
    if job is None:
        return ()
    from_slurm = job.slurm.exit_code.partition(":")[2] if job.slurm and job.slurm.exit_code else ""
    numbers = {"9": "SIGKILL", "15": "SIGTERM", "2": "SIGINT"}
    told = sorted(job.processes, key=lambda p: (not p.first, p.line))  # the launcher ends the others afterwards
    found = (*(p.signal for p in told), job.signal, numbers.get(from_slurm), numbers.get(_sent(evidence)))
    return tuple(dict.fromkeys(s for s in found if s))


def _sent(evidence: Evidence) -> str:
    """The number of the signal that the launcher got from outside; of one after a rank had failed nothing is told."""
    if evidence.job is None or any(p.exit_code or p.signal for p in evidence.job.processes):
        return ""
    errors = python_errors(evidence, r"SignalException$", r"got signal: \d+")
    return re.findall(r"got signal: (\d+)", errors[0].message)[0] if errors else ""


def unfinished(evidence: Evidence) -> bool:
    """Whether the process that logged went away without closing its run, as disk and server tell it."""
    if not init_succeeded(evidence):
        return False
    local, server = main_local_run(evidence), main_server_run(evidence)
    if server is not None and server.state in ("finished", "failed"):
        return False
    if local is not None:
        return not local.log.has_exit and not local.sdk_logs.closed
    if evidence.request.source == "job_log":
        return bool(signals(evidence)) and not find_lines(evidence, CLOSED, limit=1)
    return server is not None and server.state in ("crashed", "running")


def own_errors(evidence: Evidence) -> tuple[PythonError, ...]:
    """Tracebacks of the script itself: not of its launcher, of a wandb.init() that failed, or of the job's end."""
    errors = (e for e in python_errors(evidence) if not re.search(LAUNCHER, e.exception))
    errors = (e for e in errors if not (broke_off(e) and ended_by_slurm(evidence)))
    return tuple(e for e in errors if init_succeeded(evidence) or not e.exception.startswith("wandb."))


def _killed(evidence: Evidence) -> bool:
    """Whether an online run was cut short; of an offline one the log on disk is all there is, and tells it."""
    stopped = evidence.job is not None and evidence.job.stopped_by_harness is not None
    local = main_local_run(evidence)
    offline = local is not None and local.offline
    return ended(evidence) and unfinished(evidence) and not stopped and not offline


def _told(evidence: Evidence) -> tuple[str, ...]:
    """How the process ended and what was left of the run."""
    job, server = evidence.job, main_server_run(evidence)
    how = signals(evidence)
    lines = [f"A process ended by {how[0]}."] if how else []
    if not how and job and job.exit_code is not None:
        lines.append(f"The job ended with exit code {job.exit_code}.")
    if server and server.state == "crashed" and job is None:
        lines.append(f"The server shows run {server.id} as crashed.")
    elif server:
        lines.append(f"The server shows the run as {server.state or 'unknown'}.")
    local = main_local_run(evidence)
    if local:
        lines.append(f"{local.path}: the log holds no end ({local.log.size_bytes} bytes).")
    return (*lines, *sdk_log_lines(evidence, FORCED, limit=1))


def crashed(evidence: Evidence) -> Iterator[Hit]:
    """Killed while online, by anything but SIGTERM; or the server or the disk says so of a job that was not seen."""
    job = evidence.job
    if not _killed(evidence) or own_errors(evidence):
        return
    how = signals(evidence)
    completed = job is not None and job.ending == "completed"
    if how[:1] == ("SIGTERM",) or ended_by_slurm(evidence) or (not how and completed):
        return
    by = f" ({how[0]})" if how else f" (exit code {job.exit_code})" if job and job.exit_code else ""
    yield Hit(id="end-crashed-heartbeat", observed=_told(evidence), values={"how": by})


def terminated(evidence: Evidence) -> Iterator[Hit]:
    """SIGTERM, by Slurm or by hand, while the run was open."""
    if not _killed(evidence) or own_errors(evidence):
        return
    if signals(evidence)[:1] == ("SIGTERM",) or ended_by_slurm(evidence):
        yield Hit(id="end-sigterm-no-flush", observed=_told(evidence))


def never_closed(evidence: Evidence) -> Iterator[Hit]:
    """The job says that all went well, and the run was never closed."""
    if _killed(evidence) and evidence.job and evidence.job.ending == "completed" and not signals(evidence):
        yield Hit(id="end-no-finish-in-subproc", observed=_told(evidence))


def lost_buffer(evidence: Evidence) -> Iterator[Hit]:
    """The log on disk ends before what was logged: nothing but a header, or, offline, a torn end."""
    if not ended(evidence):
        return
    for run in evidence.local.runs:
        if made_good(run, evidence) or cut_off_afterwards(run):
            continue
        empty = run.log.status in ("empty", "header_only") and (run.offline or init_succeeded(evidence))
        torn = run.offline and run.log.status in ("torn", "no_exit_record")
        if empty or torn:
            size = f"{run.log.size_bytes} bytes" if empty else "its end is missing"
            how = signals(evidence)
            by = (f"A process ended by {how[0]}.",) if how else ()
            observed = (f"{run.path}: run-{run.run_id}.wandb has {run.log.size_bytes} bytes.", *by)
            # Of an offline run nothing else tells that its process was ended.
            fails = (*catalogue()["end-lost-local-buffer"].fails, "test_job_completed") if how and run.offline else None
            values = {"size": size, "run_dir": run.path, "signal": how[0] if how else ""}
            yield Hit(id="end-lost-local-buffer", observed=observed, values=values, fails=fails)
            return


def last_rows_lost(evidence: Evidence) -> Iterator[Hit]:
    """Killed online: fewer rows on the server than epochs in the output."""
    server = main_server_run(evidence)
    if server is None or not _killed(evidence) or contradiction(server):
        return
    printed = len({e.epoch for e in evidence.job.output.epochs}) if evidence.job else 0
    there = server.rows or 0
    if there < printed:
        observed = f"The output shows {printed} epochs; the server has {there} rows."
        values = {"there": str(there), "printed": str(printed)}
        yield Hit(id="end-last-15s-lost", observed=(observed,), values=values)
    elif not there and evidence.request.source == "run":
        observed = "The server has no row. How many were logged is not known without the job's output or its folder."
        yield Hit(id="end-last-15s-lost", observed=(observed,), values={"there": "0", "printed": "all"})


def _not_survived(evidence: Evidence, errors: tuple[PythonError, ...]) -> tuple[PythonError, ...]:
    """Leave out what a single process caught: it went on to train after it had printed the traceback."""
    epochs = evidence.job.output.epochs if evidence.job else ()
    if len({(e.rank, e.local_rank) for e in errors}) > 1 or evidence.request.world_size != 1:
        return errors
    last = max((epoch.line for epoch in epochs), default=0)
    return tuple(e for e in errors if e.line > last) or errors


def _cut(run: LocalRun) -> bool:
    return run.offline and run.log.status in ("torn", "no_exit_record")


def failed(evidence: Evidence) -> Iterator[Hit]:
    """An error of the script's own ended it."""
    errors = own_errors(evidence)
    server, local = main_server_run(evidence), main_local_run(evidence)
    job_failed = evidence.job is not None and evidence.job.ending == "failed"
    # Of a run that is on no server, the log alone tells how it ended; the last line of a batch script hides it.
    on_disk = local.log.exit_code if local and server is None and _log_decides(local, evidence) else None
    # Of a log that breaks off, the upload tells the server an end that the run never had.
    cut = evidence.job is not None and evidence.job.ending == "completed" and local is not None and _cut(local)
    run_failed = (server is not None and server.state == "failed" and not cut) or bool(on_disk)
    if not (job_failed or run_failed):
        return
    if errors:
        # The first rank that failed brings the others down; their errors come later.
        first = min(_not_survived(evidence, errors), key=lambda e: e.line)
        told = f"{first.exception}: {first.message}".rstrip(": ")
        rank = f" on rank {first.rank}" if first.rank is not None else ""
        values = {
            "error": shorten(f"{told}{rank}"),
            "place": (first.frames or ("the job's output",))[-1],
            "package": package_of(first),
            "module": module_of(first),
            "traceback": " (the whole traceback stands in the job's output)",
        }
        yield Hit(
            id="end-failed-exitcode",
            observed=(shorten(f"{told}{rank}"), *first.frames[-1:], *_on_one_node(evidence)),
            values=values,
            crash=f"{first.exception}: {first.message}",
        )  # fmt: skip
    elif run_failed and not _interrupts(evidence):
        codes = (on_disk, server.exit_code if server else None, local.log.exit_code if local else None)
        code = next(filter(None, codes), "other than 0")
        where = "The log on disk ends" if on_disk else "The server shows the run"
        observed = f"{where} as failed, exit code {code}."
        yield Hit(id="end-failed-exitcode", observed=(observed,), values=_exit_values(code))
    elif job_failed and not _raised(evidence) and (own := _own_exit(evidence)) is not None:
        lines = find_lines(evidence, rf"^srun: error: .*tasks? .*: Exited with exit code {own}\b", limit=1)
        observed = f"A process of the script ended with exit code {own}, without a traceback."
        seen = (*lines, observed, *_last_words(evidence), *_on_one_node(evidence))
        yield Hit(id="end-failed-exitcode", observed=seen, values=_exit_values(own))
    elif job_failed and not init_succeeded(evidence) and not ended_by_slurm(evidence) and _sent(evidence) == "15":
        yield _ended_from_outside(evidence)


def _ended_from_outside(evidence: Evidence) -> Hit:
    """SIGTERM came before there was a run to close."""
    code = evidence.job.exit_code if evidence.job else None
    late = ("Exit code 124 is what the command `timeout` gives when its time is over.",) if code == TIMED_OUT else ()
    told = find_lines(evidence, r"got signal: 15", limit=1) or ("The launcher got SIGTERM.",)
    values = {"error": "SIGTERM from outside", "signal": "SIGTERM"}
    return Hit(id="end-failed-exitcode", observed=(*map(shorten, told), *late), values=values)


def _last_words(evidence: Evidence) -> tuple[str, ...]:
    """What the script printed last before its launcher told of the end: `sys.exit("no such file")` says why there."""
    tail = evidence.job.output.tail if evidence.job else ()
    told = next((n for n, line in enumerate(tail) if re.search(r"failed \(exitcode: ", line.text)), 0)
    own = (ln.text for ln in reversed(tail[:told]) if re.search(r"\w", ln.text) and not ln.text.startswith("wandb:"))
    last = next(own, "")
    return (f"It printed last: {shorten(last.strip())}",) if last else ()


def _on_one_node(evidence: Evidence) -> tuple[str, ...]:
    """The node on which alone processes failed by themselves; those that the launcher ended have a signal."""
    job = evidence.job
    nodes = job.slurm.nodes if job and job.slurm else ()
    hosts = {p.host for p in (job.processes if job else ()) if p.exit_code is not None and p.host}
    if len(nodes) < 2 or len(hosts) != 1:
        return ()
    return (f"All that failed by itself was on {hosts.pop()}, one of {len(nodes)} nodes.",)


def _log_decides(local: LocalRun, evidence: Evidence) -> bool:
    return local.offline or evidence.request.source == "run_dir"


def _raised(evidence: Evidence) -> bool:
    """Whether a traceback tells how the script ended, also one of wandb.init(): that has causes of its own."""
    return any(not re.search(LAUNCHER, error.exception) for error in python_errors(evidence))


def _exit_values(code: int | str) -> dict[str, str]:
    signal = SIGNALLED.get(str(code), "")
    how = f" (128 + {int(code) - 128}: {signal})" if signal else ""
    return {"error": f"exit code {code}{how}", "signal": signal}


def _own_exit(evidence: Evidence) -> int | None:
    """The exit code that the script gave by itself, as the launcher tells it; a run that never closed was cut short."""
    told = evidence.job.processes if evidence.job else ()
    first = min(told, key=lambda p: (not p.first, p.line), default=None)
    if first is None or (unfinished(evidence) and not (first.rank or first.task)):
        return None
    return first.exit_code


def _interrupts(evidence: Evidence) -> tuple[str, ...]:
    """What shows an interrupt: the SDK's words, the traceback, or the signal."""
    cut = said(evidence, r"Control-C detected -- Run data was not synced", limit=1)
    raised = ("KeyboardInterrupt",) if python_errors(evidence, r"^KeyboardInterrupt$") else ()
    return cut or raised or (("A process ended by SIGINT.",) if signals(evidence)[:1] == ("SIGINT",) else ())


def interrupted(evidence: Evidence) -> Iterator[Hit]:
    """Ctrl-C, or SIGINT from elsewhere."""
    observed = _interrupts(evidence)
    job = evidence.job
    over = ended(evidence) or evidence.request.source != "job"
    if observed and over and job and job.ending != "completed":
        yield Hit(id="end-ctrl-c", observed=observed)


def stopped(evidence: Evidence) -> Iterator[Hit]:
    """The server says that somebody had the run stopped; the script sees an interrupt, as of Ctrl-C."""
    server = main_server_run(evidence)
    if server and server.state == "killed":
        observed = (f"The server shows run {server.id} as killed.", *_interrupts(evidence))
        yield Hit(id="end-stopped-in-wandb", observed=observed, values={"stopped_run": server.url or server.id})


def still_running(evidence: Evidence) -> Iterator[Hit]:
    """The log on disk has no end, and nothing here tells whether its writer is alive."""
    local = main_local_run(evidence)
    if evidence.request.source != "run_dir" or local is None or local.log.has_exit or ended(evidence):
        return
    if life_of(evidence) is not None:
        return
    observed = (
        f"{local.path}: the log holds no end ({local.log.size_bytes} bytes).",
        "Whether its process still runs on another machine, or was killed, cannot be told from here.",
        *_signs(local, evidence),
    )
    facts = local.log.run
    again = f"--run-dir {local.path} --job-log <job output>"  # whose last lines may tell the end
    if not local.offline:  # the server knows
        place = f"{facts.entity}/{facts.project}" if facts and facts.entity and facts.project else "ENTITY/PROJECT"
        again = f"--run {place}/{local.run_id}"
    yield Hit(id="end-still-running", observed=observed, values={"again": again})


def _signs(local: LocalRun, evidence: Evidence) -> Iterator[str]:
    """How old what is on disk is, which decides nothing: the SDK writes in pieces, and a copy is written anew."""
    last = last_sign(local)
    what = "It began, by its name," if last == local.started_at else "Its newest record on disk was made"
    for words, at in ((what, last), ("Its files were written", local.touched_at)):
        if at is not None and evidence.created_at >= at:
            yield f"{words} {evidence.created_at - at:.0f} s ago."


DEADLOCKS = (((0, 22, 0), (0, 22, 3)), ((0, 25, 1), (0, 28, 1)))


def deadlocked(evidence: Evidence) -> Iterator[Hit]:
    """The job stood still in a version that can deadlock, and the way to the server was good."""
    version = version_key(job_sdk_version(evidence) or "")
    known = any(first <= version < mended for first, mended in DEADLOCKS)
    stopped = (evidence.job.stopped_by_harness if evidence.job else None) or ""
    still = "neither printed nor computed" in stopped
    if known and still and init_succeeded(evidence) and not upload_failures(evidence) and not hangs(evidence):
        yield Hit(id="end-deadlock", observed=(stopped,))


RULES: tuple[Rule, ...] = (
    failed, interrupted, stopped, terminated, crashed, never_closed, lost_buffer, last_rows_lost, still_running,
    deadlocked, *UPLOAD_RULES, *SERVICE_RULES,
)  # fmt: skip
