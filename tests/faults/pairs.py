"""Two faults, or three, in one job with the unmodified SDK: what is around the job is wrong, and the script is.

python -m tests.faults.pairs [-j N] [-k PART] plays them and records their evidence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from harness.judging.graph import standard_graph
from tests.faults import recorded
from tests.faults.run import play, remove
from tests.faults.scenario import Scenario
from tests.faults.scenarios import EVERY

AROUND = (
    "stats-off-by-variable", "helper-not-executable", "misspelt-variable", "sweep-left-over", "files-refused",
    "fewer-epochs-than-asked", "folder-not-writable", "unknown-key-in-a-settings-file", "429-while-logging",
)  # fmt: skip
"""Scenarios whose script is right: environment, files, options or server are not."""
SCRIPTS = (
    "loss-renamed", "loss-nan", "steps-go-back-enough-points", "script-fails", "every-rank", "left-by-os-exit",
    "config-changed",
)  # fmt: skip
THREE = (
    ("stats-off-by-variable", "misspelt-variable", "loss-nan"),
    ("sweep-left-over", "stats-off-by-variable", "every-rank"),
    ("helper-not-executable", "folder-not-writable", "script-fails"),
)


@dataclass(frozen=True, kw_only=True)
class Together(Scenario):
    """Several scenarios played at once."""

    parts: tuple[Scenario, ...] = field(default=())

    @property
    def told(self) -> frozenset[str]:
        """What must be among the findings: every fault that is no mere remark."""
        return frozenset(str(s.expect) for s in self.parts if s.kind != "info")

    @property
    def causes(self) -> frozenset[str]:
        """What the root cause may be."""
        return frozenset(str(s.expect) for s in self.parts if s.kind == "error")


def together(*names: str) -> Together:
    """Put the surroundings of all but the last one around the script of the last one."""
    parts = tuple(EVERY[name] for name in names)
    *around, script = parts
    hooks = [s.hook for s in around if s.hook]
    return Together(
        name="+".join(names), parts=parts, job=script.job, nproc=script.nproc,
        env={k: v for s in parts for k, v in s.env.items()}, files={k: v for s in parts for k, v in s.files.items()},
        options=tuple(word for s in parts for word in s.options),
        misbehave=tuple(fault for s in parts for fault in s.misbehave),
        hook=hooks[0] if hooks else None, also=frozenset[str]().union(*(s.also for s in parts)), timeout_s=180,
    )  # fmt: skip


NEVER_CAME = {
    "files-refused+left-by-os-exit": {"end-files-not-uploaded"},
    "fewer-epochs-than-asked+left-by-os-exit": {"metric-short-series"},
}
"""The process was gone before it sent a file, or a row that could be counted."""
PAIRS = {s.name: s for s in (*(together(a, b) for a, b in product(AROUND, SCRIPTS)), *(together(*t) for t in THREE))}


def problems(scenario: Together, verdict: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a verdict: another root cause, a fault that is not told, something not explained."""
    said, origins = {f["id"] for f in verdict["findings"]}, standard_graph().origins
    # Whatever says why the job crashed stands for the crash.
    crashed = any(name.endswith("::test_job_completed") for f in verdict["findings"] for name in f["explains"])
    known = said | ({"end-failed-exitcode"} if crashed else set())
    hidden = (
        f for f in sorted(scenario.told - said) if not origins[f] & known and f not in NEVER_CAME.get(scenario.name, ())
    )
    found = [f"{fault} is not told" for fault in hidden]
    if verdict["root_cause"] not in (scenario.causes or {None}):
        found.append(f"root cause {verdict['root_cause']}")
    if "unknown" in said:
        found.append("unknown")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Play what was asked for and keep its evidence; 1 if a verdict is not right."""
    cli = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    cli.add_argument("-j", "--jobs", type=int, default=2, help="scenarios at a time")
    cli.add_argument("-k", "--part", default="", help="only those whose name holds this")
    options = cli.parse_args(argv)
    chosen = [s for name, s in PAIRS.items() if options.part in name]
    with ThreadPoolExecutor(options.jobs) as pool:
        done = list(pool.map(_played, chosen))
    recorded.write("pairs", {name: raw for name, raw, _ in done if raw}, PAIRS)
    wrong = [name for name, _, why in done if why]
    sys.stdout.write(f"{len(done) - len(wrong)} of {len(done)} are right\n")
    return 1 if wrong else 0


def _played(scenario: Together) -> tuple[str, object | None, list[str]]:
    played = play(scenario)
    why = problems(scenario, played.verdict) if played.verdict else ["no verdict"]
    why += [f"the key is in {place}" for place in played.leaks]
    sys.stdout.write(f"{scenario.name}: {'; '.join(why) or 'right'}\n")
    sys.stdout.flush()
    raw = recorded.evidence_of(played)
    remove(played)
    return scenario.name, raw, why


if __name__ == "__main__":
    sys.exit(main())
