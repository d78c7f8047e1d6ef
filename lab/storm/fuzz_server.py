"""Sends damaged requests to the loopback server: `python -m lab.storm.fuzz_server [--count 100000] [--first N]`.

Each number is one GraphQL request and one of the file stream. Prints how many there were, how often each status came,
the worst single request and the peak of memory. Ends with 1 at the first crash, hang, answer that is not the server's
own, or loss, naming the number that makes it again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from lab.storm.mutated_requests import Damaged, damaged_graphql, damaged_stream
from lab.storm.recorded_requests import recorded
from lab.storm.unplugged import SECRETS, Answer, Unplugged, kept
from tests.fuzz_parts import Part, tell

PROCESSES = 2
BLOCK = 500
"""So many numbers meet one server, in their order; a number is made again after those before it in its block."""
LOOK = 50
"""After so many numbers an ordinary run must pass, and all that is there must be readable."""
MOST_S = 3.0
HANG_S = 10.0
"""Processor time for one request, which takes milliseconds; the second ends a request that does not."""
MEMORY_MB = 400

UPSERT = """mutation Ordinary($name: String!, $config: JSONString!) {
  upsertBucket(input: {name: $name, modelName: "ordinary", config: $config, tags: ["t"]}) { inserted }
}"""
READ = """query Ordinary($name: String!) { project(name: "ordinary") { run(name: $name) {
  state exitcode config summaryMetrics tags historyLineCount history logLines(first: 9) { edges { node { line } } }
} } }"""
EVERYTHING = """query Everything { models(first: 1000) { edges { node { name runCount runs(first: 1000) { edges { node {
  id name displayName description notes state stopped config wandbConfig summaryMetrics systemMetrics tags group jobType
  commit host program sweepName exitcode shouldStop failed running createdAt heartbeatAt updatedAt computeSeconds
  projectId project { id } user { id } runInfo { program } historyKeys historyLineCount eventsLineCount logLineCount
  historyTail eventsTail history(samples: 50) events(samples: 50) logLines(first: 50) { edges { node {
  number timestamp level label line } } pageInfo { hasNextPage } } fileCount files { edges { node { id url } } }
  } } } artifactCollections(first: 100) { edges { node { __typename ... on ArtifactSequence { id name artifacts {
  edges { node { id digest metadata description historyStep ttlDurationSeconds aliases { alias } tags { name } } } }
  } } } } sweeps { edges { node { id name displayName config state bestLoss runCountExpected priorRunsFilters
  agents { edges { node { id state } } } } } } } } } }"""


class Hang(BaseException):
    """A request that takes too long; nothing on its way may catch it."""


def check(answer: Answer, server: Unplugged, *, graphql: bool) -> None:
    """Raise unless an answer is the server's own, readable for the SDK, and without a secret."""
    if crashes := server.application.crashes:
        raise AssertionError(crashes[0])
    if not (answer.status == 200 or 400 <= answer.status < 500):
        raise AssertionError(f"status {answer.status}: {answer.body[:500]!r}")
    if answer.headers["Content-Type"] != "application/json" or not isinstance(answer.json, dict):
        raise AssertionError(f"no JSON object: {answer.body[:500]!r}")
    if graphql and answer.status == 200 and not answer.json.get("errors") and "data" not in answer.json:
        raise AssertionError(f"neither data nor errors: {answer.body[:500]!r}")
    if any(secret in answer.body or secret in str(answer.headers).encode() for secret in SECRETS):
        raise AssertionError("a secret in an answer")


def ordinary_run(server: Unplugged, name: str) -> None:
    """Raise unless a run is stored and read back as it was sent."""
    server.graphql(UPSERT, name=name, config='{"lr": {"value": 0.1}}')
    rows = [json.dumps({"_step": step, "loss": 1 / (step + 1)}) for step in range(5)]
    body = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": rows},
            "wandb-summary.json": {"offset": 0, "content": ['{"loss": 0.2}']},
            "output.log": {"offset": 0, "content": ["2026-01-01T00:00:00 one", "2026-01-01T00:00:00 two"]},
        },
        "complete": True,
        "exitcode": 0,
    }
    answer = server.ask("POST", f"/files/loopback/ordinary/{name}/file_stream", json.dumps(body).encode())
    assert answer.status == 200, answer
    run = server.graphql(READ, name=name)["project"]["run"]
    lines = [edge["node"]["line"] for edge in run.pop("logLines")["edges"]]
    assert lines == ["one", "two"], lines
    summary, config = json.loads(run.pop("summaryMetrics")), json.loads(run.pop("config"))
    assert (summary, config) == ({"loss": 0.2}, {"lr": {"value": 0.1}}), (summary, config)
    wanted = {"state": "finished", "exitcode": 0, "tags": ["t"], "historyLineCount": 5, "history": rows}
    assert run == wanted, run


def restarted(server: Unplugged, folder: Path) -> None:
    """Raise unless the server, started again over its folder, has what it had."""
    before = kept(server.store)
    server.close()
    again = Unplugged(folder)
    after = kept(again.store)
    again.close()
    assert len(after) == len(before), f"{len(before)} runs, then {len(after)}"
    for one, other in zip(before, after, strict=True):
        unlike = [key for key in one if one[key] != other[key]]
        assert not unlike, (
            f"{one['path']} after a restart: {[(k, str(one[k])[:200], str(other[k])[:200]) for k in unlike]}"
        )


def too_long(*_: object) -> None:
    """What SIGPROF does."""
    raise Hang


class Fuzz:
    """The numbers of one process, and what came of them."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.worst_s = 0.0
        self.worst = ""
        self.at = ""

    def block(self, numbers: Sequence[int], first: int) -> None:
        """Send the requests of a block to a new server; only those from `first` on are counted."""
        with tempfile.TemporaryDirectory(prefix="storm-") as folder:
            self.at = f"the recorded job before number {numbers[0]}"
            server = Unplugged(Path(folder))
            server.play(recorded())
            assert not server.application.crashes, server.application.crashes[0]
            for number in numbers:
                self._send(server, f"GraphQL {number}", damaged_graphql(number), counted=number >= first)
                self._send(server, f"file stream {number}", damaged_stream(number), counted=number >= first)
                if number % LOOK == LOOK - 1 or number == numbers[-1]:
                    self.at = f"the look after number {number}"
                    self._timed(lambda n=number: ordinary_run(server, f"ordinary{n}"))  # type: ignore[misc]
                    self._timed(lambda: server.graphql(EVERYTHING))
            self.at = f"the restart after number {numbers[-1]}"
            self._timed(lambda: restarted(server, Path(folder)))

    def _send(self, server: Unplugged, what: str, request: Damaged, *, counted: bool) -> None:
        self.at = what
        answer, took = self._timed(lambda: server.ask("POST", request.path, request.body, request.headers))
        kind = what.rsplit(" ", 1)[0]
        check(answer, server, graphql=kind == "GraphQL")
        if counted:
            self.statuses[kind, answer.status] += 1
            if took > self.worst_s:
                self.worst_s, self.worst = took, what
        if took > MOST_S:
            raise AssertionError(f"{took:.1f} s of processor time: {request.body[:300]!r}")

    @staticmethod
    def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, HANG_S)
        try:
            return act(), time.process_time() - begun
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def run(process: int, first: int, end: int, processes: int = PROCESSES) -> Part:
    """Send the numbers `first` to before `end`, as far as they are in blocks of this process."""
    signal.signal(signal.SIGPROF, too_long)
    fuzz, failure = Fuzz(), ""
    for block in range(first // BLOCK, (end - 1) // BLOCK + 1):
        if block % processes != process:
            continue
        try:
            fuzz.block(range(block * BLOCK, min(end, (block + 1) * BLOCK)), first)
        except (Exception, Hang):  # noqa: BLE001 - finding any is what this is for
            failure = f"{fuzz.at}:\n{traceback.format_exc()}"
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Part(fuzz.statuses, fuzz.worst_s, fuzz.worst, peak, failure)


def main(argv: Sequence[str] | None = None) -> int:
    """Share the work between two processes, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="how many of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    asked = parser.parse_args(argv)
    begun, end = time.perf_counter(), asked.first + asked.count
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(run, range(PROCESSES), [asked.first] * PROCESSES, [end] * PROCESSES))
    statuses = sum((part.statuses for part in parts), Counter())
    out = [
        f"{statuses.total():,} damaged requests in {time.perf_counter() - begun:.0f} s on {os.cpu_count()} processors"
    ]
    for kind in ("GraphQL", "file stream"):
        found = {status: times for (of, status), times in sorted(statuses.items()) if of == kind}
        out.append(f"{kind:<12}{sum(found.values()):>8,}: " + ", ".join(f"{s} {n:,}" for s, n in found.items()))
    return tell(parts, out, MEMORY_MB)


if __name__ == "__main__":
    sys.exit(main())
