"""The compatibility matrix, SDK versions by situations: `python -m tests.compat.matrix [-j N]` plays and prints it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.judging.families.system_metrics.rules import LIBRARY_SINCE
from tests.evidence.gpu.standins import Node, why_not
from tests.faults.run import Judgement, Played, judge, play, remove
from tests.faults.scenario import Scenario, init_job
from tests.faults.scenarios.telemetry import LONGER, on

VERSIONS = ("0.19.5", "0.24.2", "0.26.1", "0.28.2", "0.30.0", "0.31.0")
UNKNOWN_KEY = "0123456789abcdef" * 2 + "01234567"
GCDS = 8


@dataclass(frozen=True)
class Situation:
    """A column: what is played with each SDK."""

    title: str
    scenario: Callable[[str], Scenario]
    expected: Callable[[str], str]
    """The cell, by the SDK's version."""


def by_library(sdk: str) -> bool:
    """Whether this SDK reads AMD GPUs with the library."""
    return tuple(int(part) for part in sdk.split(".")) >= LIBRARY_SINCE


def _healthy(sdk: str) -> Scenario:
    return Scenario(name=f"healthy-{sdk}", sdk=sdk)


def _amd(sdk: str) -> Scenario:
    # The node has only what this SDK asks, so that nothing else can have answered.
    node = Node(gcds=GCDS, command=not by_library(sdk), library=by_library(sdk))
    return Scenario(name=f"amd-{sdk}", sdk=sdk, hook=on(node), why_not=why_not, job=LONGER)


def _offline(sdk: str) -> Scenario:
    return Scenario(name=f"offline-{sdk}", sdk=sdk, options=("--offline",))


def _rejected(sdk: str) -> Scenario:
    # In two parts, so that nothing that looks for keys finds it in the script.
    key = f'"{UNKNOWN_KEY[:20]}" + "{UNKNOWN_KEY[20:]}"'
    return Scenario(
        name=f"rejected-{sdk}", sdk=sdk, expect="auth-key-rejected-401", failed=("test_init_succeeded",),
        job=init_job(before=f'os.environ["WANDB_API_KEY"] = {key}'),
    )  # fmt: skip


SITUATIONS = (
    Situation("local job", _healthy, lambda _: "passed"),
    Situation(
        f"node with {GCDS} GCDs",
        _amd,
        lambda sdk: f"passed, {GCDS} GPUs by {'librocm_smi64.so' if by_library(sdk) else 'rocm-smi'}",
    ),
    Situation("offline run", _offline, lambda _: "passed"),
    Situation("rejected key", _rejected, lambda _: "failed: auth-key-rejected-401"),
)


def cell(played: Played, judgement: Judgement, expected: str) -> str:
    """What came out, in the words of the table; what is not as expected begins with `wrong`."""
    verdict = played.verdict
    if verdict is None or not judgement.right:
        return f"wrong: {'; '.join(judgement.problems)[:200] or judgement.result}"
    if verdict["verdict"] == "failed":
        return f"failed: {verdict['root_cause']}"
    gpus_reported = "test_every_gpu_reports" in played.checks("passed")
    return expected if gpus_reported == ("GPUs" in expected) else "wrong: test_every_gpu_reports"


def table(cells: Mapping[tuple[str, str], str]) -> str:
    """Markdown of the cells by (SDK version, title)."""
    titles = [s.title for s in SITUATIONS]
    head = [f"| SDK of the job | {' | '.join(titles)} |", f"|{'---|' * (len(titles) + 1)}"]
    rows = [f"| {sdk} | {' | '.join(cells[sdk, title] for title in titles)} |" for sdk in VERSIONS]
    return "\n".join([*head, *rows])


def expected_table() -> str:
    """The table as it should be, and as docs/reliability.md has it."""
    return table({(sdk, s.title): s.expected(sdk) for sdk in VERSIONS for s in SITUATIONS})


def fill(sdk: str, situation: Situation) -> str:
    """Play one cell."""
    scenario = situation.scenario(sdk)
    if scenario.why_not and (reason := scenario.why_not()):
        return f"not played: {reason}"
    played = play(scenario)
    found = cell(played, judge(played), situation.expected(sdk))
    sys.stderr.write(f"{sdk}, {situation.title}: {found} ({played.seconds:.0f} s)\n")
    remove(played)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Play every cell and print the table; 1 if a cell is not as expected."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("-j", "--jobs", type=int, default=2, help="cells at a time")
    options = cli.parse_args(argv)
    places = [(sdk, situation) for sdk in VERSIONS for situation in SITUATIONS]
    with ThreadPoolExecutor(options.jobs) as pool:
        found = list(pool.map(lambda place: fill(*place), places))
    cells = {(sdk, situation.title): text for (sdk, situation), text in zip(places, found, strict=True)}
    sys.stdout.write(f"{table(cells)}\n")
    return int(any(cells[sdk, s.title] != s.expected(sdk) for sdk, s in places))


if __name__ == "__main__":
    sys.exit(main())
