"""Misbehaviour on demand: which requests go wrong, and how."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

Cut = Literal["before", "headers", "after"]
CUTS = get_args(Cut)
HTTP_STATUSES = range(400, 600)
JSON_SCALARS = ("historyKeys", "sampledHistory", "liveData", "cliVersionInfo", "views")


@dataclass(frozen=True)
class Fault:
    """One kind of misbehaviour: what it matches (everything given must match), how often, and what happens.

    Matching: `operation` is the GraphQL operation name, `path` and `user_agent` are parts of the URL path and of the
    User-Agent header, `method` the HTTP method. The first `after` matches pass unharmed, the next `times` (all, if
    None) are hit.

    Happening: `status` answers with that HTTP status instead of doing anything, with `retry_after` seconds (or HTTP
    date) in Retry-After, and with `message` in a JSON body, or in a web page if `html`. `graphql_errors` answers 200
    with these messages and no data. `hang` never answers. `reset` closes the connection hard: "before" anything is
    sent, after the "headers", or "after" half of the body. `truncate` closes it in good order after half of the body.
    `nulls` answers null for each field at the top (deeper with `null_depth`), `unknown_fields` adds fields to every
    object, `slow_s` spreads the body over so many seconds, `delay_s` waits before anything else happens. `lose` answers
    200 with an empty object, and what was sent is gone. Apart from `status`, `graphql_errors`, `hang`, `lose` and
    `reset="before"`, the request is executed as usual.
    """

    operation: str | None = None
    path: str | None = None
    user_agent: str | None = None
    method: str | None = None
    times: int | None = None
    after: int = 0
    status: int | None = None
    retry_after: str | None = None
    message: str | None = None
    html: bool = False
    graphql_errors: tuple[str, ...] = ()
    nulls: bool = False
    null_depth: int = 1
    unknown_fields: bool = False
    delay_s: float = 0.0
    slow_s: float = 0.0
    hang: bool = False
    lose: bool = False
    reset: Cut | None = None
    truncate: bool = False

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in HTTP_STATUSES:
            raise ValueError(f"status must be 400 to 599, not {self.status}")
        if self.reset is not None and self.reset not in CUTS:
            raise ValueError(f"reset must be one of {', '.join(CUTS)}, not {self.reset!r}")
        if self.after < 0 or (self.times is not None and self.times < 1) or self.delay_s < 0 or self.slow_s < 0:
            raise ValueError("after, times, delay_s and slow_s count forwards only")

    def matches(self, *, operation: str | None, path: str, user_agent: str, method: str) -> bool:
        """Whether a request is meant."""
        return (
            self.operation in (None, operation)
            and (self.path is None or self.path in path)
            and (self.user_agent is None or self.user_agent.lower() in user_agent.lower())
            and self.method in (None, method)
        )

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Reads `operation=UpsertBucket,status=403,times=3`; a word without `=` is a switch.

        Raises:
            ValueError: an unknown name or a value of the wrong kind.
        """
        kinds = {f.name: str(f.type) for f in fields(cls)}
        values: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = part.partition("=")
            if name not in kinds:
                raise ValueError(f"no fault is called {name!r}; there are {', '.join(kinds)}")
            values[name] = _value(name, kinds[name], value) if equals else _switch(name, kinds[name])
        return cls(**values)


def _switch(name: str, kind: str) -> bool:
    if kind != "bool":
        raise ValueError(f"{name} needs a value")
    return True


def _value(name: str, kind: str, value: str) -> Any:
    try:
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
        if kind.startswith("int"):
            return int(value)
        if kind == "float":
            return float(value)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{name}={value!r} is no {kind.partition(' ')[0]}") from error
    return (value,) if kind.startswith("tuple") else value


class FaultPlan:
    """The faults in force, in the order in which they were added; the first that matches a request hits it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._seen: list[int] = []
        self._hits: list[int] = []

    def add(self, *faults: Fault) -> None:
        """Puts faults in force."""
        with self._lock:
            self._faults += faults
            self._seen += [0] * len(faults)
            self._hits += [0] * len(faults)

    def clear(self) -> None:
        """Takes every fault out of force; requests that already hang go on hanging."""
        with self._lock:
            self._faults, self._seen, self._hits = [], [], []

    def hits(self, fault: Fault | None = None) -> int:
        """How many requests were hit, by one fault or by all."""
        with self._lock:
            pairs = zip(self._faults, self._hits, strict=True)
            return sum(hits for found, hits in pairs if fault in (None, found))

    def take(self, *, operation: str | None, path: str, user_agent: str, method: str) -> Fault | None:
        """The fault that hits a request, counted as used; None if it is to be answered well."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if not fault.matches(operation=operation, path=path, user_agent=user_agent, method=method):
                    continue
                self._seen[index] += 1
                spent = fault.times is not None and self._hits[index] >= fault.times
                if self._seen[index] > fault.after and not spent:
                    self._hits[index] += 1
                    return fault
            return None


def with_nulls(body: Any, depth: int = 1) -> Any:
    """A GraphQL answer with null for each field `depth` levels below `data`."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        return body
    return {**body, "data": _nulled(body["data"], depth)}


def _nulled(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {k: None if depth <= 1 else _nulled(v, depth - 1) for k, v in value.items()}
    return [_nulled(item, depth) for item in value] if isinstance(value, list) else value


def with_unknown_fields(value: Any) -> Any:
    """The same JSON with a field in every object that no client has ever heard of.

    What lies inside a JSON scalar is the user's data (names of metrics, say), so nothing is added there.
    """
    if isinstance(value, dict):
        inner = {k: v if k in JSON_SCALARS else with_unknown_fields(v) for k, v in value.items()}
        return {"loopbackUnknown": {"new": [1, None, "x"]}, **inner}
    return [with_unknown_fields(item) for item in value] if isinstance(value, list) else value
