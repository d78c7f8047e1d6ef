"""Keeps the runs that are the job's: those that carry its token, where any does, wherever their folders lie."""

from collections.abc import Sequence
from pathlib import PurePath

from harness.evidence.models import Evidence, LocalReading, LocalRun, ServerReading, ServerRun


def own(evidence: Evidence) -> Evidence:
    """Leave out runs of others that happened to be found: in a temporary folder that all share, or by their ids.

    A script may override tags and group: where no run carries the token, all that were found stay.
    """
    token = evidence.request.token
    if not token:
        return evidence
    readings = [evidence.server, *([evidence.synced] if evidence.synced else [])]
    ours = {run.id for reading in readings for run in reading.runs if carries(run, token)}
    local = own_local(evidence.local, token, ours, evidence.job.output.run_dirs if evidence.job else ())
    ours |= {run.run_id for run in local.runs if carries(run, token)}
    if not ours:
        return evidence
    change: dict[str, object] = {"local": local, "server": _own_server(evidence.server, ours)}
    if evidence.synced:
        change["synced"] = _own_server(evidence.synced, ours)
    return evidence if all(getattr(evidence, k) is v for k, v in change.items()) else evidence.model_copy(update=change)


def carries(run: LocalRun | ServerRun, token: str) -> bool:
    """Whether the job's token is among the run's tags, or is its group."""
    facts = run.log.run if isinstance(run, LocalRun) else run
    return facts is not None and (token in facts.tags or facts.group == token)


def own_local(
    reading: LocalReading, token: str | None, known: Sequence[str] | set[str] = (), announced: Sequence[str] = ()
) -> LocalReading:
    """Leave out directories of other jobs; `known` are ids of the job's runs, `announced` folders that it named."""
    ours = {*known, *(run.run_id for run in reading.runs if token and carries(run, token))}
    if not ours:
        return reading
    beside = {PurePath(run.path).parent for run in reading.runs if run.run_id in ours}
    named = {PurePath(path).name for path in announced}

    def is_own(run: LocalRun) -> bool:
        if run.run_id in ours:
            return True
        # A log that breaks off in its header tells of no tags: it is the job's where the job's other runs lie.
        path = PurePath(run.path)
        return run.log.run is None and (path.parent in beside or path.name in named)

    runs = tuple(run for run in reading.runs if is_own(run))
    return reading if len(runs) == len(reading.runs) else reading.model_copy(update={"runs": runs})


def _own_server(reading: ServerReading, ours: set[str]) -> ServerReading:
    runs = tuple(run for run in reading.runs if run.id in ours)
    foreign = len(reading.runs) - len(runs)
    if not foreign:
        return reading
    return reading.model_copy(update={"runs": runs, "runs_total": reading.runs_total - foreign})
