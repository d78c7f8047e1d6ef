"""Merges the evidence of two faults into that of a job that has both: three-way, against a healthy job of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.evidence.models import Evidence
from harness.judging.view import main_local_run, main_server_run

MEASURED = re.compile(
    r"\.(created_at|seconds|\w*started_at|ended_at|heartbeat_at|touched_at|size_bytes|\w*modified_time|\w*_?time"
    r"|wandb_dir_free_bytes|waited_s|requests|runtime\w*|\w+_s|pid|_runtime|_timestamp|runtime|memory_\w+|console_lines"
    r"|event_rows|system_samples|times|start|end|polls|failed_polls|lines|epochs_total|sync_output)$"
    r"|\.(records|system|files|console_tail|writer_ids|metadata|environment|summary_file)\b|^\.(spans|watch\.troubles)\b"
    r"|\.summary\._|variables\.(PWD|WANDB_BASE_URL)|harness_version|^\.versions|packages|base_url$"
)
"""Fields that a clock, a disk or a sampler fills: two healthy jobs differ in them, so they contradict nobody."""
SAMPLED = re.compile(r"\.(system|metadata|environment|records|sketch)\.")
"""Values of which healthy jobs have any: what counts is that they are there."""
LINES = ("notable", "wandb_lines", "tail")
NUMBERED = ("links", "logins", "errors", "processes", "epochs")
LISTS = (
    "lines", "http", "troubles", "notable", "wandb_lines", "tail", "errors", "links", "logins", "credentials_from",
    "processes", "run_dirs", "script_notes", "script_words", "file_troubles", "partial", "sync_output", "files",
    "sdk_versions", "ranks", "epochs", "script_names", "proxies", "problems", "features", "imports", "argv", "tags",
)  # fmt: skip
"""Lists whose items stand for themselves: what either job has beside the healthy one is there, what it lacks is not."""
NAMED = ("sources", "steps", "nodes")
"""Lists of objects of which each has a name."""
NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))
UNSHARED = frozenset(("number", "line", "count", "at", "frames", "prefix"))


GONE = object()
"""Stands for what one of the documents does not have."""


class ContradictionError(Exception):
    """Both jobs changed this field, and not in the same way."""


@dataclass(frozen=True)
class Prepared:
    """A document without what tells two playings of one scenario apart: ids, tokens, ports, dates, the clock."""

    raw: Mapping[str, Any]
    healthy: frozenset[str] = frozenset()
    """Paths below which a healthy job of the kind could look the same."""

    @cached_property
    def printed(self) -> Mapping[str, frozenset[str]]:
        """What is known of the output, by list."""
        output = (self.raw.get("job") or {}).get("output", {})
        return {name: frozenset(map(self.key, output.get(name, ()))) for name in (*LINES, *NUMBERED)}

    @cached_property
    def keys(self) -> Mapping[int, str]:
        """Of every item of `LISTS`, by its identity, `_key`: a document is merged with hundreds of others."""
        return {id(item): _key(item) for item in _items(self.raw, "")}

    def key(self, item: Any) -> str:
        """Return `_key`, kept for what is in the document."""
        return self.keys.get(id(item)) or _key(item)


def _items(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _items(part, key)
    elif isinstance(value, list):
        if name in LISTS:
            yield from value
        for part in value:
            yield from _items(part, "")


def prepared(evidence: Evidence, base: Prepared | None = None) -> Prepared:
    """Make the document of this evidence ready to be merged with another one of its kind."""
    raw = json.loads(_impersonal(evidence))
    disk, job = main_local_run(evidence), evidence.job
    begun = (disk and disk.started_at) or (job and job.started_at) or evidence.created_at
    moved = _shifted(raw, begun - _EPOCH)
    healthy: set[str] = set()
    if base:
        _compare(base.raw, moved, "", healthy)
    return Prepared(moved, frozenset(healthy))


def joined(base: Prepared, one: Prepared, other: Prepared) -> Evidence:
    """Return the evidence of a job with the faults of both, from documents that are prepared.

    Raises:
        ContradictionError: one says of a field what the other denies; names the field.
    """
    _refuse_what_never_began(one, other)
    _refuse_what_never_began(other, one)
    if _sdk(one.raw) and _sdk(other.raw) and _sdk(one.raw) != _sdk(other.raw):
        raise ContradictionError("the SDK's version")
    for a, b in ((one, other), (other, one)):
        if not _names_wandb(a.raw) and b.raw["setup"]["mode"]["script_decides"]:
            raise ContradictionError("setup.source, and what the script asks of wandb")
        if not a.raw["server"]["runs"] and len(b.raw["local"]["runs"]) > len(base.raw["local"]["runs"]):
            raise ContradictionError("server.runs, and further runs on disk")
        asked = any(run["sdk_logs"]["http"] for run in a.raw["local"]["runs"])
        if asked and any(run["offline"] for run in b.raw["local"]["runs"]):
            raise ContradictionError("local.runs.offline, and requests to the server")
        directories = len(b.raw["local"]["runs"])
        if directories > len({r["run_id"] for r in b.raw["local"]["runs"]}) and ".local.runs" not in a.healthy:
            raise ContradictionError("local.runs, and several logs of one run")  # the same script wrote each of them
    output = (one.raw["job"] or {}).get("output", {})
    moved = _renumbered(other, output.get("lines", 0), base.printed)
    keys = {**base.keys, **one.keys, **other.keys}
    return Evidence.model_validate(_Merge(one.healthy, other.healthy, keys).merge(base.raw, one.raw, moved, ""))


_EPOCH = 1_000_000_000.0


def _impersonal(evidence: Evidence) -> str:
    """Name runs by their place in line; every other name that is made anew for each playing becomes the same."""
    text = evidence.model_dump_json()
    disk, server = main_local_run(evidence), main_server_run(evidence)
    ids = [disk.run_id if disk else "", server.id if server else "", *(r.run_id for r in evidence.local.runs)]
    ids += [run.id for run in evidence.server.runs]
    ids += [link.run_id for link in evidence.job.output.links] if evidence.job else []
    for number, run in enumerate(dict.fromkeys(filter(None, ids))):
        text = re.sub(rf"(?<![^\W_]){re.escape(run)}(?!\w|\":)", f"run0000{number}", text)
    for number, key in enumerate(dict.fromkeys(re.findall(r'"fingerprint":"([0-9a-f]{8})"', text))):
        text = text.replace(key, f"{number:08d}")
    text = re.sub(r"harness-[0-9a-f]{12}", "harness-000000000000", text)
    text = re.sub(r"(?<=127\.0\.0\.1:)\d{5}\b", "30000", text)
    text = re.sub(r"(?<=run-)20\d{6}_\d{6}", "20261129_120000", text)
    return re.sub(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,\d]*Z?", "2026-11-29 12:00:00", text)


def _shifted(value: Any, by: float) -> Any:
    """Move every time of day, in unix seconds, to a job that began at one and the same time."""
    if isinstance(value, dict):
        return {k: _shifted(v, by) for k, v in value.items()}
    if isinstance(value, list):
        return [_shifted(v, by) for v in value]
    if isinstance(value, float) and abs(value - by - _EPOCH) < 1e6:
        return value - by
    return value


def _refuse_what_never_began(one: Prepared, other: Prepared) -> None:
    """A job that was never started had no chance to do what the other one did."""
    unlike = [name for name in ("job", "local", "server", "telemetry") if f".{name}" not in other.healthy]
    if not _began(one.raw) and _began(other.raw) and unlike:
        raise ContradictionError("one job never began, the other is unlike a healthy one")


def _began(raw: Mapping[str, Any]) -> bool:
    return raw["job"] is not None and raw["job"]["ending"] not in ("not_submitted", "refused")


def _names_wandb(raw: Mapping[str, Any]) -> bool:
    source = (raw["setup"] or {}).get("source")
    return source is None or "wandb" in source["text"]


def _sdk(raw: Mapping[str, Any]) -> str | None:
    runs = raw["local"]["runs"] or raw["server"]["runs"]
    versions = (raw["job"] or {}).get("output", {}).get("sdk_versions") or [None]
    return (runs[0].get("sdk_version") or runs[0].get("log", {}).get("sdk_version") if runs else None) or versions[0]


def _renumbered(document: Prepared, by: int, healthy: Mapping[str, frozenset[str]]) -> Mapping[str, Any]:
    """Let the second job's own lines come after all of the first one's; those of the healthy job keep their place."""
    raw = document.raw
    if raw.get("job") is None:
        return raw
    output = raw["job"]["output"]
    moved = {
        name: [i if document.key(i) in healthy[name] else {**i, place: i.get(place, 0) + by} for i in output[name]]
        for place, names in (("number", LINES), ("line", NUMBERED))
        for name in names
    }
    return {**raw, "job": {**raw["job"], "output": {**output, **moved}}}


@dataclass(frozen=True)
class _Merge:
    """A three-way merge; paths in `first` and `second` are those where either side is as a healthy job."""

    first: frozenset[str]
    second: frozenset[str]
    keys: Mapping[int, str]
    """What is known of `_key`, by the identity of an item."""

    def merge(self, base: Any, one: Any, other: Any, path: str) -> Any:
        if path in self.second or one == other:
            return one
        if path in self.first:
            return other
        if isinstance(one, dict) and isinstance(other, dict):
            return self._objects(base if isinstance(base, dict) else {}, one, other, path)
        if isinstance(one, list) and isinstance(other, list):
            name, healthy = path.rpartition(".")[2], base if isinstance(base, list) else []
            if name in LISTS:
                return self._sets(healthy, one, other)
            if name in (*NAMED, "runs"):
                if not one or not other:
                    raise ContradictionError(path.lstrip("."))
                return list(self._objects(*(_named(side, name) for side in (healthy, one, other)), path).values())
        if MEASURED.search(path):
            return one
        raise ContradictionError(path.lstrip("."))

    def _objects(self, base: Mapping[str, Any], one: Mapping[str, Any], other: Mapping[str, Any], path: str) -> Any:
        added = [side.keys() - base.keys() for side in (one, other)]
        emptied = base and ((not one and added[1]) or (not other and added[0]))
        if emptied or (path.endswith(".runs") and all(added)):
            raise ContradictionError(path.lstrip("."))  # none at all and more than usual; each has runs of its own
        found = {}
        for key in dict.fromkeys((*one, *other)):
            sides = [side.get(key, GONE) for side in (base, one, other)]
            kept = sides[1] if sides[2] is sides[0] else sides[2] if sides[1] is sides[0] else None
            kept = self.merge(*sides, f"{path}.{key}") if kept is None else kept
            if kept is not GONE:
                found[key] = kept
        return found

    def _sets(self, base: Sequence[Any], one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
        healthy, first, second = ([self.keys.get(id(i)) or _key(i) for i in side] for side in (base, one, other))
        kept = (set(first) & set(second)) | (set(first) ^ set(second)) - set(healthy)
        found: dict[str, Any] = {}
        for key, item in zip((*first, *second), (*one, *other), strict=True):
            if key in kept:
                found.setdefault(key, item)
        every = list(found.values())
        return (
            sorted(every, key=lambda i: i["number"])
            if every and isinstance(every[0], dict) and "number" in every[0]
            else every
        )


def _by_id(runs: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for run in runs:
        name = run.get("run_id") or run.get("id")
        found[f"{name} {sum(key.startswith(name) for key in found)}"] = run
    return found


def _key(item: Any) -> str:
    """What two items share that are the same: all but numbers, since counts, sizes and places in the output differ."""
    if not isinstance(item, dict):
        return str(item).translate(NO_DIGITS)
    rest = str([v for k, v in item.items() if k not in UNSHARED])
    return rest if "epoch" in item else rest.translate(NO_DIGITS)


def _compare(base: Any, value: Any, path: str, healthy: set[str]) -> bool:
    """Whether a healthy job could have had this value, but for clocks, samples and the order of items; keeps where."""
    if isinstance(base, dict) and isinstance(value, dict):
        each = [_compare(base.get(k, GONE), v, f"{path}.{k}", healthy) for k, v in value.items()]
        same = base.keys() == value.keys() and all(each)
    elif base == value:
        same = True
    elif isinstance(base, list) and isinstance(value, list) and not MEASURED.search(path) and not SAMPLED.search(path):
        name = path.rpartition(".")[2]
        if name in LISTS:
            same = {_key(i) for i in base} == {_key(i) for i in value}
        else:
            same = _compare(_named(base, name), _named(value, name), path, healthy)
    else:
        same = bool(SAMPLED.search(path)) or (bool(MEASURED.search(path)) and _about(base, value))
    if same:
        healthy.add(path)
    return same


def _named(items: Sequence[Any], name: str) -> dict[Any, Any]:
    if name == "runs":
        return _by_id(items)
    if name in NAMED and all(isinstance(i, dict) for i in items):
        return {next(i[k] for k in ("source", "name", "host", "id") if k in i): i for i in items}
    return dict(enumerate(items))


def _about(base: Any, value: Any) -> bool:
    if isinstance(base, int | float) and isinstance(value, int | float):
        return abs(base - value) <= max(20.0, 0.9 * max(abs(base), abs(value)))
    return type(base) is type(value) and bool(base) == bool(value)
