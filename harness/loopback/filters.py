"""Which runs, sweeps or artifacts a reader asks for, and in which order: the filters of `wandb.Api()`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from harness.loopback.errors import bad_request
from harness.loopback.jsontext import loads
from harness.loopback.patterns import choices, ends_soon
from harness.loopback.runs import StoredRun, timestamp

T = TypeVar("T")
Test = Callable[[Any], bool]
Reader = Callable[[str], Callable[[Any], Any]]
"""How to read a field, given its name."""

MISSING = object()
MAX_PATTERN = 500
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(Z|[+-]\d\d:\d\d)?)?")

PLAIN: Mapping[str, Callable[[StoredRun], Any]] = {
    "name": lambda run: run.name,
    "display_name": lambda run: run.display_name,
    "state": lambda run: run.state,
    "tags": lambda run: run.tags,
    "group": lambda run: run.group,
    "job_type": lambda run: run.job_type,
    "notes": lambda run: run.notes,
    "host": lambda run: run.host,
    "commit": lambda run: run.fields.get("commit"),
    "description": lambda run: run.fields.get("description"),
    "sweep": lambda run: run.fields.get("sweep"),
    "username": lambda run: run.username,
    "created_at": lambda run: timestamp(run.created_at),
    "heartbeat_at": lambda run: timestamp(run.heartbeat_at),
    "history_line_count": lambda run: len(run.rows),
    "duration": lambda run: run.heartbeat_at - run.created_at,
    "entity": lambda run: run.entity,
    "project": lambda run: run.project,
}
NAMES = {
    "displayname": "display_name",
    "jobtype": "job_type",
    "createdat": "created_at",
    "heartbeatat": "heartbeat_at",
    "historylinecount": "history_line_count",
    "user.username": "username",
    "groupname": "group",
}


def run_field(path: str) -> Callable[[StoredRun], Any]:
    """How to read one field of a run, named as the SDK's documentation names it."""
    head, _, rest = path.partition(".")
    if head == "config" and rest:
        return lambda run: _configured(run, rest)
    if head in ("summary_metrics", "summaryMetrics", "summary") and rest:
        return lambda run: _inside(run.summary, rest)
    found = PLAIN.get(path) or PLAIN.get(NAMES.get(path.lower(), ""))
    if found is None:
        raise bad_request(f"invalid filter: unknown field {path!r}")
    return found


def _configured(run: StoredRun, path: str) -> Any:
    """A value of the config, with or without the node `value` under its first key (wandb/wandb#9406).

    W&B's own pages write `config.dataset.value.name` (wandb/wandb-workspaces#34).
    """
    found = _inside(run.config, path)
    found = _inside(run.raw_config, path) if found is MISSING else found
    return _inside(run.config, path.removesuffix(".value")) if found is MISSING else found


def _inside(value: Mapping[str, Any], path: str) -> Any:
    """A value by its dotted path; keys that hold dots themselves are found too."""
    if path in value:
        return value[path]
    head, _, rest = path.partition(".")
    inner = value.get(head, MISSING)
    return _inside(inner, rest) if rest and isinstance(inner, Mapping) else MISSING


def _moment(value: Any) -> float | None:
    """Seconds since the epoch of an ISO 8601 time, in UTC unless it says otherwise; None if it is none."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        return None
    try:
        read = dt.datetime.fromisoformat(value.removesuffix("Z"))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=dt.timezone.utc)).timestamp()


def _compare(test: Callable[[Any, Any], bool], wanted: Any) -> Test:
    """A comparison that is false where the types cannot be compared; two times are compared as moments."""
    wanted_moment = _moment(wanted)

    def check(value: Any) -> bool:
        if wanted_moment is not None and (moment := _moment(value)) is not None:
            return test(moment, wanted_moment)
        try:
            return value is not MISSING and value is not None and test(value, wanted)
        except TypeError:
            return False

    return check


def _equals(wanted: Any) -> Test:
    """Equality; a list field also equals any of its items, and null equals a missing field."""
    if wanted is None:
        return lambda value: value is None or value is MISSING
    return lambda value: value == wanted or (isinstance(value, list) and wanted in value)


def _regex(pattern: Any) -> Test:
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise bad_request("invalid filter: $regex needs a short string")
    left = choices(pattern)
    if left is None:
        raise bad_request("invalid filter: $regex: one repeat stands inside another")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise bad_request(f"invalid filter: $regex: {error}") from error

    def matches(text: str) -> bool:
        if not ends_soon(left, len(text)):
            raise bad_request(
                f"invalid filter: $regex: {left} repeats are too many for a value of {len(text)} characters"
            )
        return compiled.search(text) is not None

    def check(value: Any) -> bool:
        return any(isinstance(item, str) and matches(item) for item in (value if isinstance(value, list) else [value]))

    return check


def _any_of(wanted: Any) -> Test:
    if not isinstance(wanted, list):
        raise bad_request("invalid filter: $in needs a list")
    tests = [_equals(item) for item in wanted]
    return lambda value: any(test(value) for test in tests)


def _all_of(wanted: Any) -> Test:
    if not isinstance(wanted, list):
        raise bad_request("invalid filter: $all needs a list")
    tests = [_equals(item) for item in wanted]
    return lambda value: all(test(value) for test in tests)


def _negated(test: Test) -> Test:
    return lambda value: not test(value)


OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "$eq": _equals,
    "$ne": lambda wanted: _negated(_equals(wanted)),
    "$gt": lambda wanted: _compare(lambda a, b: bool(a > b), wanted),
    "$gte": lambda wanted: _compare(lambda a, b: bool(a >= b), wanted),
    "$lt": lambda wanted: _compare(lambda a, b: bool(a < b), wanted),
    "$lte": lambda wanted: _compare(lambda a, b: bool(a <= b), wanted),
    "$in": _any_of,
    "$all": _all_of,
    "$nin": lambda wanted: _negated(_any_of(wanted)),
    "$exists": lambda wanted: lambda value: (value is not MISSING and value is not None) == bool(wanted),
    "$regex": _regex,
    "$not": lambda wanted: _negated(_field_test(wanted)),
}


def _field_test(condition: Any) -> Test:
    """The test for one field: a plain value, or operators that must all hold."""
    if not isinstance(condition, Mapping) or not any(key.startswith("$") for key in condition):
        return _equals(condition)
    tests = []
    for operator, wanted in condition.items():
        if operator not in OPERATORS:
            raise bad_request(f"invalid filter: unknown operator {operator!r}")
        tests.append(OPERATORS[operator](wanted))
    return lambda value: all(test(value) for test in tests)


def _group(condition: Any, reader: Reader) -> list[Test]:
    if not isinstance(condition, list):
        raise bad_request("invalid filter: $and, $or and $nor need lists")
    return [compile_filter(part, reader) for part in condition]


def compile_filter(condition: Any, reader: Reader = run_field) -> Test:
    """The test for a whole filter, read once and then applied to each run (or whatever the reader reads).

    Raises:
        ApiError: the filter cannot be read (400).
    """
    if not isinstance(condition, Mapping):
        raise bad_request("invalid filter: not an object")
    tests: list[Test] = []
    for key, value in condition.items():
        if key == "$and":
            tests.extend(_group(value, reader))
        elif key in ("$or", "$nor"):
            parts, wanted = _group(value, reader), key == "$or"
            tests.append(lambda run, p=parts, w=wanted: any(part(run) for part in p) == w)  # type: ignore[misc]
        else:
            read, test = reader(key), _field_test(value)
            tests.append(lambda run, r=read, t=test: t(r(run)))  # type: ignore[misc]
    return lambda run: all(test(run) for test in tests)


def parse_filter(text: str | None, reader: Reader = run_field) -> Test | None:
    """The test for the JSON text of a filter; None where everything is asked for.

    Raises:
        ApiError: the filter cannot be read (400).
    """
    try:
        condition = loads(text) if text else {}
    except ValueError as error:
        raise bad_request(f"invalid filter: {error}") from error
    return None if condition in ({}, None) else compile_filter(condition, reader)


def sort_runs(runs: list[StoredRun], order: str | None) -> list[StoredRun]:
    """Runs in the order asked for, `+` or `-` before a field; oldest first by default. Runs without it come last.

    Raises:
        ApiError: the field is unknown (400).
    """
    order = order or "+created_at"
    descending, path = order.startswith("-"), order.lstrip("+-")
    if path in ("created_at", "createdAt"):
        return sorted(runs, key=lambda run: run.created_at, reverse=descending)
    if path in ("heartbeat_at", "heartbeatAt"):
        return sorted(runs, key=lambda run: run.heartbeat_at, reverse=descending)
    return sort_by(runs, order, run_field)


def sort_by(items: list[T], order: str, reader: Reader) -> list[T]:
    """Items in the order asked for; those without the field come last.

    Raises:
        ApiError: the field is unknown (400).
    """
    descending, read = order.startswith("-"), reader(order.lstrip("+-"))

    def key(item: T) -> tuple[int, Any]:
        value = read(item)
        if isinstance(value, (int, float)):
            return 0, value
        return (1, value) if isinstance(value, str) else (2, 0)

    keyed = [(key(item), item) for item in items]
    known = sorted((pair for pair in keyed if pair[0][0] < 2), key=lambda pair: pair[0], reverse=descending)
    return [item for _, item in known] + [item for rank, item in keyed if rank[0] == 2]
