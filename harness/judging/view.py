"""Questions that rules and checks ask of the evidence, each answered in one place."""

import re
from itertools import islice

from harness.evidence.models import (
    Evidence,
    HttpTrouble,
    LocalRun,
    PythonError,
    RunLink,
    ScriptNote,
    ServerReading,
    ServerRun,
    Trouble,
)
from harness.evidence.models.setup import NoteKind
from harness.evidence.models.watch import NEAR_S
from harness.judging.once import once

TEMPORARY_FOLDER = r"Falling back to temporary directory|wasn't writable, using system temp directory"
"""What the SDK prints (0.19.11 and newer; older) when it cannot write where it was told to."""


SETTLES_S = 90.0
"""Seconds after the end of a run after which its last rows can surely be read."""
NO_WORD = "The job ended well, but none of its processes printed a line of wandb or left a run directory."
"""What is seen of a job that is `silent`."""


@once
def output_lines(evidence: Evidence) -> tuple[str, ...]:
    """Notable, SDK and last lines of the job's output, each line once, in order."""
    if evidence.job is None:
        return ()
    output = evidence.job.output
    seen = {line.number: line.text for line in (*output.notable, *output.wandb_lines, *output.tail)}
    return tuple(seen[number] for number in sorted(seen))


def find_lines(evidence: Evidence, pattern: str | re.Pattern[str], limit: int = 3) -> tuple[str, ...]:
    """Lines of job output that match, at most `limit`."""
    return tuple(islice(filter(re.compile(pattern).search, output_lines(evidence)), limit))


def sdk_log_lines(evidence: Evidence, pattern: str | re.Pattern[str], limit: int = 3) -> tuple[str, ...]:
    """Lines of the SDK's own logs that match, at most `limit`, as `file: text`."""
    return tuple(islice(filter(re.compile(pattern).search, _sdk_lines(evidence)), limit))


@once
def _sdk_lines(evidence: Evidence) -> tuple[str, ...]:
    """Each once: the ranks of one job say the same."""
    lines = (f"{ln.file}: {ln.text}" for run in evidence.local.runs for ln in run.sdk_logs.lines)
    return tuple(dict.fromkeys(lines))


LAUNCHER = r"torch\.distributed\.elastic|ChildFailedError|SignalException|^(SystemExit|KeyboardInterrupt)$"
"""Exceptions by which torchrun, or an interrupt, tells that a worker ended; no cause of it."""


def python_errors(evidence: Evidence, name: str = "", text: str = "") -> tuple[PythonError, ...]:
    """Tracebacks of the job whose exception name and message match the patterns."""
    if evidence.job is None:
        return ()
    named, worded = re.compile(name).search, re.compile(text).search
    return tuple(e for e in evidence.job.output.errors if named(e.exception) and worded(e.message))


SDK_FRAME = re.compile(
    r'File "(?:[^"]*-packages/wandb/(?!agents/)|(?:[^"]*/)?wandb/(?:sdk|apis|cli|errors|proto|sync|vendor)/)'
)
"""The package, wherever it is installed; its agents are left out, which call functions of the user's."""
SDK_FOLDER = re.compile(r"'(?:[^']*/)?wandb(?:/(?:(?:offline-)?run-|latest-run|debug|settings)[^']*)?/?'")


def passed_through_sdk(error: PythonError) -> bool:
    """Whether a frame of the traceback is the SDK's own: a user's folder may have wandb in its name."""
    return any(SDK_FRAME.search(frame) for frame in error.frames)


def names_sdk_folder(error: PythonError) -> bool:
    """Whether the path in the message is the SDK's folder of run directories, or lies in it."""
    return bool(SDK_FOLDER.search(error.message))


def http_troubles(evidence: Evidence) -> tuple[HttpTrouble, ...]:
    """Refused or failed requests of wandb-core, over all runs of the job."""
    return tuple(t for run in evidence.local.runs for t in run.sdk_logs.http)


def final_server(evidence: Evidence) -> ServerReading:
    """The server as it was last read: after a sync where there was one."""
    return evidence.synced or evidence.server


def server_runs(evidence: Evidence) -> tuple[ServerRun, ...]:
    """Runs of this job on the server."""
    return final_server(evidence).runs


@once
def main_server_run(evidence: Evidence) -> ServerRun | None:
    """The run that was asked for, else the one that carries the training: the one with most rows, then the earliest."""
    runs = [r for r in server_runs(evidence) if r.detailed] or list(server_runs(evidence))
    return max(runs, key=lambda r: (r.found_by == "asked", r.rows or 0, -(r.created_at or 0.0)), default=None)


def unread(evidence: Evidence, *parts: str) -> Trouble | None:
    """Why one of these parts of the main run could not be read from the server; None where nothing is missing."""
    return next((trouble for trouble in final_server(evidence).partial if trouble.where in parts), None)


def contradiction(server: ServerRun) -> str | None:
    """What the server says of a run in two ways that cannot both be right; None where it is of one mind."""
    longest = max(server.series.values(), key=lambda series: series.count, default=None)
    if longest is None or server.rows is None or longest.count <= server.rows:
        return None
    return f"the server says that run {server.id} has {server.rows} rows, and {longest.count} points of {longest.key}"


def unshown_while_running(evidence: Evidence) -> str | None:
    """Why looks that were answered tell nothing of the job: none showed the run, which had begun long before the last.

    `wandb.init()` returns once the server has made the run (SDK 0.19 to 0.31).
    """
    watch, disk, job = evidence.watch, main_local_run(evidence), evidence.job
    if watch is None or watch.run_visible_s is not None or watch.last_poll_s is None or not server_runs(evidence):
        return None
    if not (job and job.started_at and disk and disk.started_at and disk.sdk_logs.init_done):
        return None
    before_s = job.started_at + watch.last_poll_s - disk.started_at
    if before_s <= NEAR_S:
        return None
    return f"none of {watch.polls} looks at the server showed the run, which had begun {before_s:.0f} s before the last"


def seconds_since_end(evidence: Evidence, run: ServerRun) -> float | None:
    """How long after the job's end, else after the run's last sign of life, the server was read.

    None where that is not known: no time is told, or the reader's clock and the other one disagree by more than a skew.
    """
    ended = evidence.job.ended_at if evidence.job and evidence.job.ended_at else run.heartbeat_at
    since = evidence.created_at - ended if ended and evidence.created_at else None
    return max(0.0, since) if since is not None and since > -SETTLES_S else None


@once
def main_local_run(evidence: Evidence) -> LocalRun | None:
    """The run directory that carries the training: most rows, then the earliest."""
    return max(evidence.local.runs, key=lambda r: (r.log.history_rows, -(r.started_at or 0.0)), default=None)


def said(evidence: Evidence, pattern: str | re.Pattern[str], limit: int = 3) -> tuple[str, ...]:
    """What the job printed that matches: lines of output, then tracebacks as `Exception: message`; at most `limit`."""
    found = dict.fromkeys(find_lines(evidence, pattern, limit))
    shown = "\n".join(found)
    for error in filter(re.compile(pattern).search, _raised(evidence)):
        if error.partition(": ")[2] not in shown:
            found[error] = None
    return tuple(found)[:limit]


@once
def _raised(evidence: Evidence) -> tuple[str, ...]:
    """Tracebacks of the job, as `Exception: message`."""
    return tuple(f"{e.exception}: {e.message}" for e in python_errors(evidence))


def names_no_wandb(evidence: Evidence) -> bool:
    """Whether neither the script nor a module beside it speaks of W&B, or of a framework that may log to it."""
    look, source = (evidence.setup.script, evidence.setup.source) if evidence.setup else (None, None)
    if look is None or source is None:
        return False
    return not look.calls_init and not look.frameworks and "wandb" not in source.text


def made_no_run(evidence: Evidence) -> bool:
    """Whether the job left no run behind, neither on the server nor on disk."""
    return not server_runs(evidence) and not evidence.local.runs


def silent(evidence: Evidence) -> bool:
    """Whether the job ran well, and no process of it ever spoke of W&B."""
    job = evidence.job
    return job is not None and job.ending == "completed" and made_no_run(evidence) and not job.output.wandb_lines


def script_note(evidence: Evidence, kind: NoteKind) -> ScriptNote | None:
    """The first line of the job script of which this is to be noted."""
    notes = evidence.setup.script_notes if evidence.setup else ()
    return next((note for note in notes if note.kind == kind), None)


def reached_server(evidence: Evidence) -> bool:
    """Whether a run of this job exists on the server: then key, way and project were good enough for it."""
    return bool(server_runs(evidence))


def job_ran(evidence: Evidence) -> bool:
    """Whether there is a job that got as far as starting."""
    return evidence.job is not None and evidence.job.ending not in ("not_submitted", "refused", "pending")


def own_entities(evidence: Evidence) -> frozenset[str]:
    """Entities of the user whose key is used here: name, default entity, teams; empty where that is not known."""
    viewer = evidence.setup.network.viewer if evidence.setup else None
    return frozenset(filter(None, (viewer.username, viewer.entity, *viewer.teams))) if viewer else frozenset()


def foreign_links(evidence: Evidence) -> tuple[RunLink, ...]:
    """Runs that the job announced in an entity that is not the user's own."""
    own = own_entities(evidence)
    if not own or evidence.job is None or evidence.request.source != "job":
        return ()
    return tuple(link for link in evidence.job.output.links if link.entity not in own)


def announced_links(evidence: Evidence) -> tuple[RunLink, ...]:
    """Runs that the job's output speaks of, each once, in the order of their first mention."""
    links = evidence.job.output.links if evidence.job else ()
    first: dict[tuple[str, str, str], RunLink] = {}
    for link in links:
        first.setdefault((link.entity, link.project, link.run_id), link)
    return tuple(first.values())
