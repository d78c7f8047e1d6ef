"""Resolvers for one run: its fields, history, system metrics, console and files."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.loopback.context import RequestContext, Resolver, request_context
from harness.loopback.errors import bad_request
from harness.loopback.jsontext import dumps, loads_object
from harness.loopback.paging import connection
from harness.loopback.patterns import like
from harness.loopback.resolvers.accounts import user
from harness.loopback.rows import RowLog, evenly
from harness.loopback.runs import StoredFile, StoredRun, mimetype, storage_id, timestamp

if TYPE_CHECKING:
    from harness.loopback.context import Info

DEFAULT_SAMPLES = 500
MAX_SAMPLES = 100_000
MAX_CONSOLE_PAGE = 10_000
LAST_STEP = 2**62
LINE_NUMBER = re.compile(r"[0-9]{1,18}")
ABSENT_MD5 = "0"


def _sample_count(value: Any) -> int:
    return DEFAULT_SAMPLES if value is None else min(max(0, int(value)), MAX_SAMPLES)


def _lines(log: RowLog, numbers: Sequence[int]) -> list[str]:
    return [log.line(number) for number in numbers]


def resolve_history(run: StoredRun, info: Info, **arguments: Any) -> list[str]:
    """Rows as JSON text, of a range of steps [minStep, maxStep), thinned evenly to `samples`."""
    first, end = arguments.get("minStep"), arguments.get("maxStep")
    with request_context(info).store.lock:
        numbers = run.rows.between(0 if first is None else first, LAST_STEP if end is None else end)
        return _lines(run.rows, evenly(numbers, _sample_count(arguments.get("samples"))))


def resolve_events(run: StoredRun, info: Info, **arguments: Any) -> list[str]:
    """Samples of the system metrics as JSON text, thinned evenly to `samples`."""
    with request_context(info).store.lock:
        numbers = range(len(run.event_rows))
        return _lines(run.event_rows, evenly(numbers, _sample_count(arguments.get("samples"))))


def resolve_sampled_history(run: StoredRun, info: Info, **arguments: Any) -> list[list[dict[str, Any]]]:
    """For each spec the rows that hold all of its keys, and only these keys; `maxStep` is included.

    A spec without keys asks for whole rows.
    """
    with request_context(info).store.lock:
        return [_sampled(run.rows, spec) for spec in arguments["specs"]]


def _sampled(log: RowLog, text: str) -> list[dict[str, Any]]:
    try:
        spec = loads_object(text)
        keys, samples = [str(key) for key in spec.get("keys") or ()], _sample_count(spec.get("samples"))
        first, last = int(spec.get("minStep", 0)), int(spec.get("maxStep", LAST_STEP))
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise bad_request(f"history spec cannot be read: {error!r}") from error
    numbers: Sequence[int] = log.holding(keys) if keys else log.between(-LAST_STEP, LAST_STEP)
    if "minStep" in spec or "maxStep" in spec:
        wanted = log.between(first, last + 1)
        held = numbers if isinstance(numbers, range) else set(numbers)
        numbers = [number for number in wanted if number in held]
    rows = (json.loads(log.line(number)) for number in evenly(numbers, samples))
    return [{key: _inside(row, key) for key in keys} if keys else row for row in rows]


def _inside(row: Mapping[str, Any], key: str) -> Any:
    """The value of a key that may be nested (`outer.inner`)."""
    if key in row:
        return row[key]
    head, _, rest = key.partition(".")
    inner = row.get(head)
    return _inside(inner, rest) if rest and isinstance(inner, Mapping) else None


def resolve_history_keys(run: StoredRun, info: Info) -> dict[str, Any] | None:
    """What is known of each key, at a cost that does not grow with the history; null without a history."""
    with request_context(info).store.lock:
        return run.rows.history_keys() if len(run.rows) else None


def _tail(log: RowLog) -> str:
    """The last row, as a JSON list of JSON texts: that is how resuming reads it."""
    return json.dumps([log.line(len(log) - 1)] if len(log) else [])


def resolve_wandb_config(run: StoredRun, _: Info, **arguments: Any) -> str:
    """Chosen keys of the SDK's own config; `t` is there once a run has really started."""
    own = run.raw_config.get("_wandb")
    values = own.get("value") if isinstance(own, Mapping) else None
    known, keys = values if isinstance(values, Mapping) else {}, arguments.get("keys")
    return dumps({key: value for key, value in known.items() if keys is None or key in keys})


def resolve_log_lines(run: StoredRun, info: Info, **arguments: Any) -> dict[str, Any]:
    """The last lines of the console, or a page from the beginning."""
    log = run.console_log
    with request_context(info).store.lock:
        if arguments.get("last") is not None:
            first, end = max(0, len(log) - min(arguments["last"], MAX_CONSOLE_PAGE)), len(log)
        else:
            first = int(arguments["after"]) + 1 if LINE_NUMBER.fullmatch(arguments.get("after") or "") else 0
            wanted = arguments.get("first")
            end = first + min(MAX_CONSOLE_PAGE if wanted is None else wanted, MAX_CONSOLE_PAGE)
        lines = log.lines(first, end)
    edges = [{"node": line, "cursor": str(line.number)} for line in lines]
    more = end < len(log)
    return {"edges": edges, "pageInfo": {"endCursor": edges[-1]["cursor"] if edges else None, "hasNextPage": more}}


def resolve_run_info(run: StoredRun, _: Info) -> dict[str, Any] | None:
    """The environment of the run, read from the metadata file that the SDK uploads."""
    file = run.stored_files.get("wandb-metadata.json")
    try:
        found = loads_object(file.content) if file else None
    except ValueError:
        return None
    if found is None:
        return None
    plain = ("program", "args", "os", "python", "executable", "git", "gpu")
    return {key: found.get(key) for key in plain} | {
        "cpuCount": found.get("cpu_count"),
        "gpuCount": found.get("gpu_count"),
    }


def run_user(run: StoredRun, info: Info) -> dict[str, Any]:
    """Who made the run; never null, which the SDK of today does not survive."""
    context = request_context(info)
    found = [account for account in context.accounts.users if account.username == run.username]
    return user(found[0], context) if found else {"id": run.username, "name": run.username, "username": run.username}


# --- files ---


def file_node(run: StoredRun, name: str, file: StoredFile | None, context: RequestContext) -> dict[str, Any]:
    """A file as the API shows it; one that is not there has nothing in it, and "0" for its MD5."""
    signed = context.file_url(run, name, signed=True)
    plain = context.file_url(run, name, signed=False)
    return {
        "id": storage_id("File", run.id, name),
        "name": name,
        "url": lambda _info, upload=False: signed if upload else plain,
        "directUrl": signed,
        "sizeBytes": file.blob.size if file else 0,
        "mimetype": mimetype(name),
        "updatedAt": timestamp(file.updated_at) if file else None,
        "md5": file.md5 if file else ABSENT_MD5,
    }


def resolve_files(run: StoredRun, info: Info, **arguments: Any) -> dict[str, Any]:
    """One page of the files of a run: all, by a pattern, or those asked for by name, be they there or not.

    `wandb.restore` tells by the MD5 that a file is not there, and the older `RunUploadUrls` asks for links to files
    that are still to come.
    """
    context = request_context(info)
    names, pattern = arguments.get("names"), arguments.get("pattern")
    with context.store.lock:
        stored = dict(sorted(run.stored_files.items()))
    found: list[tuple[str, StoredFile | None]] = list(stored.items())
    if names:
        # The SDK asks for `./name` where it was saved so.
        by_path = {posixpath.normpath(name): (name, file) for name, file in found}
        asked = dict.fromkeys(name for name in names if name is not None)
        found = [by_path.get(posixpath.normpath(name), (name, None)) for name in asked]
    elif pattern:
        found = [(name, file) for name, file in found if like(pattern, name)]
    page = connection(found, arguments.get("first"), arguments.get("after"), lambda item: item[0])
    edges = [{**edge, "node": file_node(run, edge["node"][0], edge["node"][1], context)} for edge in page["edges"]]
    return {**page, "edges": edges, "uploadHeaders": []}


RESOLVERS: Mapping[str, Resolver] = {
    "Run.displayName": lambda run, _: run.display_name,
    "Run.description": lambda run, _: run.fields.get("description"),
    "Run.stopped": lambda run, _: run.stop_requested,
    "Run.config": lambda run, _: dumps(run.raw_config),
    "Run.wandbConfig": resolve_wandb_config,
    "Run.summaryMetrics": lambda run, _: dumps(run.summary),
    "Run.systemMetrics": lambda run, _: dumps(run.system_metrics),
    "Run.groupName": lambda run, _: run.group,
    "Run.jobType": lambda run, _: run.job_type,
    "Run.commit": lambda run, _: run.fields.get("commit"),
    "Run.sweepName": lambda run, _: run.fields.get("sweep"),
    "Run.exitcode": lambda run, _: run.exit_code,
    "Run.shouldStop": lambda run, _: run.stop_requested,
    "Run.failed": lambda run, _: run.state in ("failed", "crashed"),
    "Run.running": lambda run, _: run.state == "running",
    "Run.readOnly": lambda *_: False,
    "Run.createdAt": lambda run, _: timestamp(run.created_at),
    "Run.heartbeatAt": lambda run, _: timestamp(run.heartbeat_at),
    "Run.updatedAt": lambda run, _: timestamp(run.heartbeat_at),
    "Run.computeSeconds": lambda run, _: int(run.heartbeat_at - run.created_at),
    "Run.projectId": lambda run, _: str(run.project_number),
    "Run.project": lambda run, info: request_context(info).store.project(run.entity, run.project),
    "Run.user": run_user,
    "Run.runInfo": resolve_run_info,
    "Run.historyKeys": resolve_history_keys,
    "Run.historyLineCount": lambda run, _: len(run.rows),
    "Run.eventsLineCount": lambda run, _: len(run.event_rows),
    "Run.logLineCount": lambda run, _: len(run.console_log),
    "Run.historyTail": lambda run, _: _tail(run.rows),
    "Run.eventsTail": lambda run, _: _tail(run.event_rows),
    "Run.history": resolve_history,
    "Run.events": resolve_events,
    "Run.sampledHistory": resolve_sampled_history,
    # No history is ever exported to parquet here, and no boundary is named: the SDK then reads all of it live.
    "Run.parquetHistory": lambda *_, **__: {"parquetUrls": [], "liveData": []},
    "Run.logLines": resolve_log_lines,
    "Run.fileCount": lambda run, _: len(run.stored_files),
    "Run.files": resolve_files,
}
