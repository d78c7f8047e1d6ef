"""Finds the runs of a job on the server and reads them: few requests, however long the runs or many the neighbours."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.evidence.models import ServerReading, ServerRun, Trouble
from harness.evidence.server.convert import FoundBy, bounded, last_at, series, server_run, system_series, with_internal
from harness.evidence.server.reader import Reader, ReadingFailed
from harness.evidence.server.run_parts import Parts, persistently
from harness.evidence.server.siblings import belongs, neighbour, window

METADATA = "wandb-metadata.json"
"""Where older SDKs write the environment; newer ones keep it in the config as well."""
SAMPLED_KEYS = 50
"""Series that are sampled; the rest is judged by `historyKeys` alone."""
LIKELY_KEYS = 16
"""Series that are sampled where nobody named any."""


NOTHING = ServerReading(status="read")


@dataclass(frozen=True)
class Where:
    """Where the runs of a job may be, and by what they are recognised."""

    projects: tuple[tuple[str, str], ...] = ()
    """(entity, project) pairs, most likely first; an empty entity means the key's default one."""
    ids: tuple[str, ...] = ()
    theirs: frozenset[str] = frozenset()
    """Ids of runs that are known to be another job's, task's or step's, whatever names them."""
    token: str | None = None
    expect: tuple[str, ...] = ()
    """Metrics whose series are sampled."""
    order: Callable[[Iterable[str]], Sequence[str]] | None = None
    """Where nobody named them: puts the names of the run's metrics in order, those first that are sampled."""

    @property
    def filters(self) -> dict[str, Any]:
        """The public API's filter: the token among the tags, or one of the ids."""
        either: list[dict[str, Any]] = []
        if self.token:
            either.append({"tags": {"$in": [self.token]}})
        if self.ids:
            either.append({"name": {"$in": list(self.ids)}})
        return either[0] if len(either) == 1 else {"$or": either}


def glance(reader: Reader, where: Where) -> ServerReading:
    """List the job's runs without details: one request for each project."""
    if not where.projects or not (where.token or where.ids):
        return ServerReading()
    runs: dict[tuple[str, str, str], ServerRun] = {}
    unlisted = 0
    missing: Trouble | None = None
    answered = False
    for entity, project in where.projects:
        try:
            answer = reader.ask("find", entity=entity, project=project, filters=where.filters)
        except ReadingFailed as failure:
            if failure.trouble.kind == "not_found":
                missing = failure.trouble
                continue
            return _failed(reader, failure.trouble)
        answered = True
        unlisted += answer["total"] - len(answer["runs"])
        for raw in answer["runs"]:
            if raw["id"] in where.theirs:
                continue
            run = server_run(raw, _found_by(raw, where))
            runs[run.entity, run.project, run.id] = run
    if not answered and missing is not None:
        return _failed(reader, missing)
    return ServerReading(
        status="read",
        reader_version=reader.version,
        runs=tuple(runs.values()),
        runs_total=len(runs) + unlisted,
        requests=reader.requests,
    )


def _found_by(raw: Mapping[str, Any], where: Where) -> FoundBy:
    return "token" if where.token in raw["tags"] else "id"


def _failed(reader: Reader, trouble: Trouble) -> ServerReading:
    return ServerReading(status="failed", reader_version=reader.version, requests=reader.requests, trouble=trouble)


def read(
    reader: Reader,
    where: Where,
    *,
    settled: Callable[[ServerReading], bool] = lambda _: True,
    complete: Callable[[ServerRun], bool] = lambda _: True,
    patience_s: float = 20.0,
) -> ServerReading:
    """Read the runs with the details of the main one, giving eventually consistent reads time to settle.

    Args:
        settled: says whether a listing shows all that is expected.
        complete: says so of a run that was read with its details.
        patience_s: how long to wait for that, in seconds.
    """
    asked = time.monotonic()
    answered: float | None = None
    pause = 0.25
    while True:
        listing = glance(reader, where)
        # Patience is for what the server says: a first answer that came late uses none of it up.
        answered = answered or time.monotonic()
        waited = time.monotonic() - answered
        if listing.status == "not_asked" or waited >= patience_s:
            break
        if listing.status == "read" and settled(listing):
            break
        if listing.trouble and listing.trouble.kind in ("auth", "permission", "tls"):
            break
        if listing.trouble and listing.trouble.kind == "not_found" and settled(NOTHING):
            break
        time.sleep(pause)
        pause = min(pause * 1.5, 3.0)
    if listing.trouble and listing.trouble.kind == "not_found":  # no project, so no run: that is an answer
        listing = listing.model_copy(update={"status": "read", "trouble": None, "partial": (listing.trouble,)})
    reading = detailed(reader, listing, where.expect, order=where.order)
    while not all(complete(run) for run in reading.runs) and time.monotonic() - answered + pause < patience_s:
        time.sleep(pause)
        pause = min(pause * 1.5, 3.0)
        reading = detailed(reader, listing, where.expect, order=where.order)
    return reading.model_copy(update={"waited_s": round(time.monotonic() - asked, 3)})


def read_one(
    reader: Reader,
    path: tuple[str, str, str],
    expect: Sequence[str],
    *,
    announced: Sequence[str] = (),
    order: Callable[[Iterable[str]], Sequence[str]] | None = None,
) -> ServerReading:
    """Read an existing run by its path, and list the other runs of its job.

    Args:
        path: entity, project, run id.
        expect: metrics whose series are sampled.
        announced: ids of runs that the job's output names.
        order: as in `Where`.
    """
    entity, project, run_id = path
    try:
        raw = persistently(lambda: reader.ask("run", entity=entity, project=project, id=run_id))
    except ReadingFailed as failure:
        if failure.trouble.kind == "not_found":
            return ServerReading(
                status="read", reader_version=reader.version, requests=reader.requests, partial=(failure.trouble,)
            )
        return _failed(reader, failure.trouble)
    asked = server_run(raw, "asked")
    others, total, troubles = _others(reader, asked, announced)
    listing = ServerReading(
        status="read", reader_version=reader.version, runs=(asked, *others), runs_total=max(total, 1 + len(others)),
        requests=reader.requests, partial=troubles,
    )  # fmt: skip
    return detailed(reader, listing, tuple(expect), main=asked, order=order)


def _others(
    reader: Reader, asked: ServerRun, announced: Sequence[str]
) -> tuple[tuple[ServerRun, ...], int, tuple[Trouble, ...]]:
    """List runs of the same job, and count those that are too many to be listed."""
    filters = window(asked, announced)
    if filters is None:
        return (), 1, ()
    try:
        answer = persistently(
            lambda: reader.ask("neighbours", entity=asked.entity, project=asked.project, run=asked.id, filters=filters)
        )
    except ReadingFailed as failure:
        return (), 1, (failure.trouble,)
    told = [(raw, belongs(answer["run"], raw, announced)) for raw in answer["runs"] if raw["name"] != asked.id]
    others = tuple(neighbour(raw, asked, found_by) for raw, found_by in told if found_by)
    every = len(others) == len(told) and answer["total"] > len(answer["runs"])
    return others, answer["total"] if every else 1 + len(others), ()


def detailed(
    reader: Reader,
    listing: ServerReading,
    expect: Sequence[str],
    main: ServerRun | None = None,
    order: Callable[[Iterable[str]], Sequence[str]] | None = None,
) -> ServerReading:
    """Add series, system metrics and files of the run that carries the training, or of the one that was asked for."""
    if not listing.runs:
        return listing
    main = main or max(listing.runs, key=lambda r: (r.rows or 0, -(r.created_at or 0.0)))
    parts = Parts(reader, main)
    full = main
    if (internal := parts.read("internal")) is not None:
        full = with_internal(main, internal)
        names = order(name for name in full.series if not name.startswith("_"))[:LIKELY_KEYS] if order else expect
        full = _with_parts(full, parts, names)
    runs = tuple(full if r is main else r for r in listing.runs)
    partial = (*listing.partial, *parts.troubles)
    return listing.model_copy(update={"runs": runs, "partial": partial, "requests": reader.requests})


def _with_parts(run: ServerRun, parts: Parts, expect: Sequence[str]) -> ServerRun:
    """Add each part by itself: one that cannot be read costs no other."""
    update: dict[str, Any] = {"detailed": True}
    if (events := parts.read("system")) is not None:
        update |= {"system": system_series(events) or run.system, "system_samples": len(events)}
        update["system_last_at"] = last_at(events)
    if (files := parts.read("files")) is not None:
        update["files"] = tuple(files)
    if (counts := parts.read("counts")) is not None:
        update |= {"console_lines": counts["logLineCount"], "event_rows": counts["eventsLineCount"]}
    # The SDK takes any trouble with this file for its absence, so it is asked for only where it is.
    missing = files is not None and METADATA not in files
    if not run.metadata and not missing and (metadata := parts.read("metadata")):
        update |= {"metadata": bounded(metadata), "host": metadata.get("host") or run.host}
    known = dict(run.series)
    for key, rows in parts.series([k for k in expect if k in known][:SAMPLED_KEYS]).items():
        known[key] = series(known[key], rows)
    return run.model_copy(update={**update, "series": known})
