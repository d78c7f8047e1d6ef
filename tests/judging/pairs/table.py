"""The table over all pairs of faults: what the judge says where both are true, and why some cannot be merged.

python -m tests.judging.pairs.table [-k PART]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Literal

from harness.evidence.models import Evidence, Request
from harness.judging.advice import job_sdk_version
from harness.judging.causes import CRASH, suspects
from harness.judging.check import bare
from harness.judging.decision import Decision, decide
from harness.judging.graph import standard_graph
from tests.faults.recorded import decision, recordings
from tests.faults.scenarios import EVERY
from tests.faults.slurm_jobs import JOBS
from tests.judging.pairs.merging import ContradictionError, Prepared, joined, prepared

HEALTHY = {
    ("job", "local", False): "ok-one-rank", ("job", "local", True): "ok-offline-as-asked",
    ("job", "slurm", False): "slurm-ok",
}  # fmt: skip
"""A healthy job of each kind: where the evidence is from, where the job ran, and whether it was to be offline."""
GROUND = {
    "nccl-without-a-gpu": ".telemetry", "cuda-without-a-gpu": ".telemetry", "429-while-logging": ".server.runs_total",
}  # fmt: skip
"""What a scenario rests on that is as in a healthy job: a machine without a GPU; a run that got as far as logging."""
ON_GPUS = ("amd-one-rank-on-the-node", "amd-second-dies")
"""Healthy jobs on a node with GPUs, of the newest SDK and of an older one; two faults of GPUs are compared with it."""
Result = Literal["right", "masked", "wrong", "contradiction"]


@dataclass(frozen=True)
class Fault:
    """A fault of the catalogue, and the recording that stands for it."""

    id: str
    name: str
    kind: Literal["error", "warning", "info"]
    also: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Row:
    """What came of a pair."""

    one: Fault
    other: Fault
    result: Result
    why: str = ""


@cache
def faults() -> tuple[Fault, ...]:
    """Every fault that is recorded, once; `unknown` is none."""
    found: dict[str, Fault] = {}
    for s in EVERY.values():
        if s.expect not in (None, "unknown") and s.name in recordings():
            found.setdefault(str(s.expect), Fault(str(s.expect), s.name, s.kind, s.also))
    for job in JOBS:
        if job.expect and job.expect not in found and job.name in recordings():
            found[job.expect] = Fault(job.expect, job.name, "error")
    return tuple(found.values())


def pairs() -> Iterator[tuple[Fault, Fault]]:
    """Every pair of faults."""
    return combinations(faults(), 2)


def _kind(request: Request) -> tuple[str, str, bool]:
    return request.source, request.target, request.offline


@cache
def _base(healthy: str) -> Prepared:
    return prepared(recordings()[healthy])


@cache
def _prepared(name: str, healthy: str) -> Prepared:
    return prepared(recordings()[name], _base(healthy))


def together(one: str, other: str) -> Evidence:
    """Return the evidence of a job that has both faults.

    Raises:
        ContradictionError: the two cannot both be true.
    """
    kinds = [_kind(recordings()[name].request) for name in (one, other)]
    for field, first, second in zip(("source", "target", "offline"), *kinds, strict=True):
        if first != second:
            raise ContradictionError(f"request.{field}")
    for fault, rest in ((one, other), (other, one)):
        ground = GROUND.get(fault)
        if ground and kinds[0] in HEALTHY and ground not in _prepared(rest, HEALTHY[kinds[0]]).healthy:
            raise ContradictionError(ground.lstrip("."))
    healthy = HEALTHY.get(kinds[0])
    if healthy is None:
        raise ContradictionError("no healthy job of this kind")
    if all(recordings()[name].telemetry.nodes[:1] and name.startswith("amd-") for name in (one, other)):
        same = [name for name in ON_GPUS if job_sdk_version(recordings()[name]) == job_sdk_version(recordings()[one])]
        healthy = next(iter(same), healthy)
    return joined(_base(healthy), _prepared(one, healthy), _prepared(other, healthy))


def row(one: Fault, other: Fault) -> Row:
    """Merge, judge, and compare with what is right."""
    try:
        evidence = together(one.name, other.name)
    except ContradictionError as reason:
        return Row(one, other, "contradiction", str(reason))
    return _compared(one, other, decide(evidence))


def _compared(one: Fault, other: Fault, decided: Decision) -> Row:
    said = frozenset(decided.ids())
    errors = {f.id for f in (one, other) if f.kind == "error"}
    # A warning is no cause beside an error, unless it alone makes a check fail.
    roots = errors | {f.id for f in (one, other) if f.kind == "warning"} | (set() if errors else {None})
    if "unknown" in said:
        return Row(one, other, "wrong", "unknown")
    if decided.root_cause is None and errors:
        masked = [_masked(fault, decided) for fault in (one, other) if fault.kind == "error"]
        return Row(one, other, "masked" if all(masked) else "wrong", "no cause is told")
    if decided.root_cause not in roots:
        return Row(one, other, "wrong", f"root {decided.root_cause}")
    missing = [fault for fault in (one, other) if fault.kind != "info" and fault.id not in said]
    for fault in missing:
        rest = one if fault is other else other
        if not _follows(fault, rest, decided):
            masked = _masked(fault, decided)
            return Row(one, other, "masked" if masked else "wrong", f"{fault.id} {masked or 'is not told'}")
    return Row(one, other, "right")


def _follows(fault: Fault, rest: Fault, decided: Decision) -> bool:
    """Whether the catalogue lets it follow from the other one; from a crash follows what comes of the crash's cause."""
    origins = standard_graph().origins[fault.id]
    causes = [cause for cause in decided.causes if cause.hit.id == rest.id]
    ended = any(bare(name) == CRASH for cause in causes for name in decided.explained(cause.symptoms))
    return rest.id in origins or ("end-failed-exitcode" in origins and ended)


def _masked(fault: Fault, decided: Decision) -> str | None:
    """Why nobody could tell of this fault: every check that it made fail is out of reach, or no rule can see it."""
    failed = [name for name, answer in decided.asked.items() if answer.outcome == "failed"]
    own = _failed_alone(fault.name)
    if not own & set(failed):
        return "makes no check fail here"
    if fault.id in {hit.id for hit in decided.hits}:
        return None
    told = {bare(n) for s in suspects(decided.hits, failed, standard_graph()) for n in s.explains}
    return "is behind what the other one broke" if {bare(n) for n in own & set(failed)} <= told else None


@cache
def _failed_alone(name: str) -> frozenset[str]:
    return frozenset(c.name for c in decision(name).results if c.outcome == "failed")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the totals, the reasons, and the rows that are wrong; 1 if there are any."""
    cli = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    cli.add_argument("-k", "--part", default="", help="only pairs of which one fault's id or scenario holds this")
    part = cli.parse_args(argv).part
    rows = [row(a, b) for a, b in pairs() if any(part in text for f in (a, b) for text in (f.id, f.name))]
    totals = Counter(r.result for r in rows)
    for line in _lines(rows, totals):
        sys.stdout.write(f"{line}\n")
    return 1 if totals["wrong"] else 0


def _lines(rows: Sequence[Row], totals: Mapping[str, int]) -> Iterator[str]:
    yield from (
        f"{r.why}: {r.one.id} ({r.one.name}) and {r.other.id} ({r.other.name})" for r in rows if r.result == "wrong"
    )
    yield ""
    yield f"pairs {len(rows)}: " + ", ".join(f"{name} {count}" for name, count in totals.items())
    for reason, count in Counter(r.why for r in rows if r.result == "contradiction").most_common():
        yield f"  {count:5}  contradiction: {reason}"


if __name__ == "__main__":
    sys.exit(main())
