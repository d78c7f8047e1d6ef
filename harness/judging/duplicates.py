"""Looks at the runs of one job side by side, wherever they are judged: which of them are one too many, and why."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.evidence.models import Evidence, JsonValue, LocalRun, RunLink, ServerRun
from harness.judging.metric_series import where_to_look
from harness.judging.once import once
from harness.judging.view import announced_links, final_server, find_lines, server_runs

TOGETHER_S = 15.0
"""Ranks that start together call `wandb.init()` within this time, in seconds, on a slow file system too."""
TOKEN = re.compile(r"harness-[0-9a-f]+")
"""A group that an earlier verification gave to its job, where the job had none of its own."""


@dataclass(frozen=True)
class Writer:
    """One run, or one run directory, of the job: who made it, when, and whether it holds training."""

    id: str
    where: str
    begun: float | None
    ended: float | None
    host: str | None
    rows: int | None
    finished: bool | None
    """None, as `rows` is, where only the job's output tells of the run."""
    group: str | None
    job_type: str | None
    slurm: dict[str, str]
    pid: int | None = None
    """The process that made it, where its log on disk tells."""

    @property
    def unit(self) -> tuple[str, str] | None:
        """The array task, or the job, and the job step that made it; None where the SDK recorded nothing of Slurm."""
        number = self.slurm.get("job_id") or self.slurm.get("jobid")
        return (number, self.slurm.get("step_id", self.slurm.get("stepid", ""))) if number else None

    @property
    def restart(self) -> str:
        """How often Slurm had restarted the job when the run was made; 0 outside Slurm."""
        return self.slurm.get("restart_count", "0")


@once
def writers(evidence: Evidence) -> tuple[Writer, ...]:
    """Return the job's runs, the earliest first, from where they are judged."""
    if evidence.request.source == "job_log":
        return tuple(_from_link(link) for link in announced_links(evidence))
    if where_to_look(evidence) == "server":
        disk = {run.run_id: from_directory(run) for run in _one_each(evidence.local.runs)}
        found = [_completed(_from_server(run), disk.get(run.id)) for run in server_runs(evidence)]
    else:
        found = [from_directory(run) for run in _one_each(evidence.local.runs)]
    return tuple(sorted(found, key=lambda w: (w.begun or 0.0, w.id)))


def crowd(evidence: Evidence) -> tuple[Writer, ...]:
    """Return the runs that are one too many: of the first job step with several, where each run tells its step.

    A task of an array is a job, and whoever starts two job steps means two trainings, or a preparation and one.
    """
    found = writers(evidence)
    steps = _steps(found)
    if len(set(steps)) <= 1 or None in steps or final_server(evidence).runs_total > len(found):
        return found
    each = [tuple(w for w, at in zip(found, steps, strict=True) if at == step) for step in dict.fromkeys(steps)]
    return max(each, key=len)


def _steps(found: tuple[Writer, ...]) -> list[tuple[str, int] | None]:
    """For each run its job, and the how many-th of the steps with runs of its start it belongs to.

    Slurm numbers the steps anew in each start, and which of two that are launched at once comes first is chance.
    """
    numbers: dict[tuple[str, str], list[str]] = {}
    for writer in found:
        if writer.unit is not None:
            known = numbers.setdefault((writer.unit[0], writer.restart), [])
            known += [writer.unit[1]] if writer.unit[1] not in known else []
    every = {start: sorted(steps, key=lambda step: (len(step), step)) for start, steps in numbers.items()}
    return [w.unit and (w.unit[0], every[w.unit[0], w.restart].index(w.unit[1])) for w in found]


def run_count(evidence: Evidence) -> int:
    """Return how many runs the job, or a step of it, has; also those that were counted but not listed."""
    found = crowd(evidence)
    if len(found) < len(writers(evidence)):
        return len(found)
    listed = len(found)
    return max(final_server(evidence).runs_total, listed) if where_to_look(evidence) == "server" else listed


def grouped_on_purpose(evidence: Evidence) -> str | None:
    """Return the group that the script put all of its runs into: then several runs are meant, one for each rank."""
    groups = {w.group for w in crowd(evidence)}
    group = groups.pop() if len(groups) == 1 else None
    return group if group and not TOKEN.fullmatch(group) else None


def phases_on_purpose(evidence: Evidence) -> bool:
    """Whether each run has a job type of its own and began after the one before: training, then evaluation."""
    found = crowd(evidence)
    kinds = {w.job_type for w in found} - {None}
    times = [(w.begun, w.ended) for w in found if w.begun is not None and w.ended is not None]
    follow = len(times) == len(found) and all(b[0] >= a[1] - 1.0 for a, b in pairwise(times))  # whole seconds in places
    return len(kinds) == len(found) and follow


def several_meant(evidence: Evidence) -> bool:
    """Whether the script says by a group, by job types or by a sweep that it wants more than one run."""
    return grouped_on_purpose(evidence) is not None or phases_on_purpose(evidence) or trials(evidence)


def trials(evidence: Evidence) -> bool:
    """Whether every run is a trial of a sweep, as far as the disk tells: a sweep makes a run for each.

    A variable that was there before the job began is left over from another sweep.
    """
    stale = evidence.setup.place.variables.get("WANDB_SWEEP_ID") if evidence.setup else None
    facts = [run.log.run for run in evidence.local.runs if run.log.run]
    swept = {run.run_id for run in facts if run.sweep_id not in ("", stale)}
    return bool(swept) and swept >= {w.id for w in crowd(evidence)}


def shared_mode(evidence: Evidence) -> bool:
    """Whether the SDK's shared mode was on: several writers, one run, on purpose."""
    modes = [setting(run, "mode") for run in evidence.local.runs]
    labelled = any("/l:" in key for run in server_runs(evidence) for key in run.system)
    return labelled or "shared" in modes or any(run.log.writer_labels for run in evidence.local.runs)


def same_id_writers(evidence: Evidence) -> tuple[LocalRun, ...]:
    """Return directories of processes that wrote into one run at the same time, outside shared mode."""
    if shared_mode(evidence):
        return ()
    for runs in _by_id(evidence.local.runs):
        if together([from_directory(r) for r in runs]) and not _one_after_another(runs):
            return tuple(sorted(runs, key=lambda r: r.path))
    return ()


def restarted(evidence: Evidence) -> tuple[LocalRun, ...]:
    """Return directories that wrote into one run one after the other, where a later one did not resume it.

    Such a later one begins at step 0 again, over the rows of those before it. Offline each folder is a run of its own.
    """
    if shared_mode(evidence):
        return ()
    for runs in _by_id(evidence.local.runs):
        ordered = sorted(runs, key=lambda r: _begun(r) or 0.0)
        if any(began_anew(evidence, run) for run in ordered[1:]) and _one_after_another(runs):
            return tuple(ordered)
    return ()


def began_anew(evidence: Evidence, run: LocalRun) -> bool:
    """Whether an online run counts its steps from 0, by all that its log and the job's output tell.

    The log's own word for it is not enough: 0.31 writes the run's record before the server says that it was there.
    """
    facts = run.log.run
    if run.offline or facts is None or facts.resumed or facts.forked or facts.starting_step:
        return False
    said = find_lines(evidence, r"wandb: Resuming run ", limit=20)
    return run.log.first_step == 0 and not said


def _by_id(runs: Iterable[LocalRun]) -> list[list[LocalRun]]:
    """Directories that share a run id, two or more of each; a copy of one, known by its exact start, is no second."""
    by_id: dict[str, dict[object, LocalRun]] = {}
    for run in runs:
        exact = run.log.run.start_time if run.log.run else None
        by_id.setdefault(run.run_id, {}).setdefault(exact or run.path, run)
    return [list(shared.values()) for shared in by_id.values() if len(shared) > 1]


def _begun(run: LocalRun) -> float | None:
    exact = run.log.run.start_time if run.log.run else None
    return exact or run.started_at


def _one_after_another(runs: list[LocalRun]) -> bool:
    """Whether each began after the one before had ended: made by one process, or by a restart of it."""
    pids = {run.sdk_logs.pid for run in runs}
    if len(pids) == 1 and None not in pids:
        return True
    spans = [(r.log.run.start_time, r.log.history_last_time) for r in runs if r.log.run]
    known = sorted((begun, ended) for begun, ended in spans if begun is not None and ended is not None)
    logged = len(known) == len(runs) and all(a[1] <= b[0] for a, b in pairwise(known))
    return logged or all(_left_before(a, b) for a, b in pairwise(sorted(runs, key=lambda r: _begun(r) or 0.0)))


def _left_before(first: LocalRun, second: LocalRun) -> bool:
    """Whether the SDK wrote to the first directory for the last time before the second one was made."""
    begun = _begun(second)
    # The time in a folder's name is in whole seconds.
    return begun is not None and first.touched_at is not None and first.touched_at <= begun + 1.0


def together(found: list[Writer]) -> bool:
    """Whether these began within `TOGETHER_S` seconds of each other and none had ended when the last one began."""
    begun = [w.begun for w in found if w.begun is not None]
    if len(begun) < len(found) or max(begun) - min(begun) > TOGETHER_S:
        return False
    # Times are whole seconds in places.
    return all(w.ended is None or w.ended >= max(begun) - 1.0 for w in found)


def began_together(evidence: Evidence, found: tuple[Writer, ...]) -> bool:
    """Whether the runs began at the same time: by their times, or by the order of lines where there is nothing else."""
    if evidence.request.source != "job_log" or evidence.job is None:
        return together(list(found))
    output, links = evidence.job.output, announced_links(evidence)
    prefixes = {line.number: line.prefix for line in output.wandb_lines}
    by_rank = {prefixes.get(link.line, "") for link in links} - {""}
    epochs = {e.epoch for e in output.epochs}
    every_rank_printed = bool(epochs) and output.epochs_total == len(epochs) * len(links)
    # Runs that are announced in different files are runs of different processes; order counts within a file.
    last = {output.file_of(link.line): link.line for link in links}
    several = {file for file in last if sum(output.file_of(link.line) == file for link in links) > 1}
    trained = any(output.file_of(e.line) in several and e.line < last[output.file_of(e.line)] for e in output.epochs)
    # The SDK names a run again as it closes it: one that was closed before the last one began is no other rank's.
    begun = {link.line for link in links}
    again = [ln.number for ln in output.wandb_lines if ln.number not in begun and re.search(r"/runs/\S+\s*$", ln.text)]
    closed = any(output.file_of(n) in several and n < last[output.file_of(n)] for n in again)
    return len(by_rank) == len(links) or (every_rank_printed and not closed) or not trained


def made_by_one_process(found: tuple[Writer, ...]) -> bool:
    """Whether one process made two or more of these: then it called `wandb.init()` again, and ranks are not why."""
    made = [(w.host, w.pid) for w in found if w.pid is not None]
    return len(set(made)) < len(made)


def problem(evidence: Evidence) -> str | None:
    """Say in one sentence why this is not exactly one run, or None; groups and shared mode on purpose are fine."""
    if same := same_id_writers(evidence):
        return f"{len(same)} processes wrote into the one run {same[0].run_id} at the same time"
    count = run_count(evidence)
    if count <= 1 or several_meant(evidence):
        return None
    return f"{count} runs where one was meant: {listed(w.id for w in crowd(evidence))}"


def listed(names: Iterable[str], limit: int = 4) -> str:
    """Join names, the rest counted."""
    every = list(names)
    rest = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + rest


def setting(run: LocalRun, name: str) -> JsonValue:
    """Return a setting that this process had, from the run's log or the SDK's own logs; None where neither tells."""
    return run.log.settings.get(name, run.sdk_logs.settings.get(name))


def _one_each(runs: tuple[LocalRun, ...]) -> list[LocalRun]:
    """Keep one directory for each run id: a resumed run and shared mode leave several."""
    return list({run.run_id: run for run in sorted(runs, key=lambda r: r.log.history_rows)}.values())


def from_directory(run: LocalRun) -> Writer:
    """View a run directory."""
    log = run.log
    facts, environment = log.run, log.environment
    last = max((t for t in (log.history_last_time, log.system_last_time) if t is not None), default=None)
    raw = run.metadata.get("slurm")
    slurm = environment.slurm if environment and environment.slurm else raw if isinstance(raw, dict) else {}
    host = (environment.host if environment else "") or run.metadata.get("host") or (facts.host if facts else "")
    return Writer(
        id=run.run_id, where=run.path, begun=run.started_at, ended=last, host=str(host) if host else None,
        rows=log.history_rows, finished=log.has_exit, group=(facts.group if facts else "") or None,
        job_type=(facts.job_type if facts else "") or None,
        slurm={k: str(v) for k, v in slurm.items()}, pid=run.sdk_logs.pid,
    )  # fmt: skip


def _from_link(link: RunLink) -> Writer:
    return Writer(
        id=link.run_id, where=link.url, begun=None, ended=None, host=None, rows=None, finished=None, group=None,
        job_type=None, slurm={},
    )  # fmt: skip


def _completed(writer: Writer, disk: Writer | None) -> Writer:
    """Add what the disk knows: of all runs but the main one, only the listing was read on the server."""
    if disk is None:
        return writer
    return replace(writer, host=writer.host or disk.host, slurm=disk.slurm | writer.slurm, pid=disk.pid)


def _from_server(run: ServerRun) -> Writer:
    raw = run.metadata.get("slurm")
    slurm = {k: str(v) for k, v in raw.items()} if isinstance(raw, dict) else {}
    return Writer(
        id=run.id, where=run.url, begun=run.created_at, ended=run.heartbeat_at, host=run.host, rows=run.rows,
        finished=run.state == "finished", group=run.group, job_type=run.job_type or None, slurm=slurm,
    )  # fmt: skip
