"""The matrix: each request that was recorded, each kind of trouble, once, three times and for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.loopback.faults import Fault
from harness.loopback.messages import RequestRecord
from lab.fire.stage import PHASES, Plan, name_of

REFUSED = "connection refused"
KINDS: Mapping[str, Fault] = {
    "reset before": Fault(reset="before"),
    "reset in headers": Fault(reset="headers"),
    "reset in body": Fault(reset="after"),
    "5 s late": Fault(delay_s=5.0),
    "never": Fault(hang=True),
    "401": Fault(status=401),
    "403": Fault(status=403),
    "404": Fault(status=404),
    "409": Fault(status=409),
    "429": Fault(status=429),
    "429 retry after 1 s": Fault(status=429, retry_after="1"),
    "500": Fault(status=500),
    "502 page": Fault(status=502, html=True),
    "cut JSON": Fault(truncate=True),
    "errors": Fault(graphql_errors=("something odd",)),
    "nulls": Fault(nulls=True),
    "deep nulls": Fault(nulls=True, null_depth=2),
    "unknown fields": Fault(unknown_fields=True),
}
TIMES: Mapping[str, int | None] = {"once": 1, "3 times": 3, "for ever": None}
CLOSED_S: Mapping[str, float | None] = {"once": 0.3, "3 times": 1.0, "for ever": None}
"""How long the port is closed: a refused connection is no request, so it cannot be counted."""
EVERY = "*"
"""Stands for all requests of a phase."""


@dataclass(frozen=True, order=True)
class Cell:
    """One place of the matrix; `ill` says that the run is spoilt, so that passing would be wrong."""

    phase: str
    request: str
    kind: str
    times: str
    ill: bool = False

    @property
    def way(self) -> str:
        """The way in that meets it."""
        return "run" if self.phase == "run" else "job"

    @property
    def plan(self) -> Plan:
        """What goes wrong."""
        if self.kind == REFUSED:
            return Plan(self.phase, closed_s=CLOSED_S[self.times])
        fault = replace(KINDS[self.kind], times=TIMES[self.times])
        method, _, path = self.request.partition(" ")
        where = {"method": method, "path": path.replace("*", "")} if path else {"operation": self.request}
        return Plan(self.phase, replace(fault, **where))

    def __str__(self) -> str:
        return f"{self.phase} | {self.request} | {self.kind} | {self.times} | {'ill' if self.ill else 'well'}"


Traffic = Mapping[str, Sequence[RequestRecord]]


def requests_of(*recorded: Traffic) -> tuple[tuple[str, str], ...]:
    """Every distinct request by phase, in the order in which they were made."""
    found = [(phase, name_of(r)) for phase in PHASES for t in recorded for r in t.get(phase, ())]
    return tuple(dict.fromkeys(found))


def cells(requests: Sequence[tuple[str, str]]) -> Iterator[Cell]:
    """The whole matrix."""
    places = [*requests, *dict.fromkeys((phase, EVERY) for phase, _ in requests)]
    for phase, request in places:
        for kind in [REFUSED] if request == EVERY else KINDS:
            for times in TIMES:
                yield Cell(phase, request, kind, times)
                if phase != "preflight":  # what is known before the job says nothing of the run
                    yield Cell(phase, request, kind, times, ill=True)


def some(every: Sequence[Cell]) -> tuple[Cell, ...]:
    """A part that stands for the whole: each request for ever, by turns with each kind of trouble."""
    chosen: dict[Cell, None] = {}
    for number, place in enumerate(dict.fromkeys((c.phase, c.request) for c in every)):
        here = [c for c in every if (c.phase, c.request) == place and c.kind not in SLOW and c.times == "for ever"]
        chosen[here[(5 * number) % len(here)]] = None
    for number, kind in enumerate([*KINDS, REFUSED]):
        if not any(c.kind == kind for c in chosen):
            here = [c for c in every if c.kind == kind]
            chosen[here[(7 * number) % len(here)]] = None
    return tuple(chosen)


SLOW = ("5 s late", "never")
