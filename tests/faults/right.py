"""Says whether a verdict is right for a scenario, whether it was just played or its recorded evidence was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.faults.scenario import Scenario

Result = Literal["found", "missed", "wrong", "false alarm", "passed", "broken"]


@dataclass(frozen=True)
class Judgement:
    """Whether the harness was right."""

    result: Result
    problems: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether nothing is to be mended."""
        return self.result in ("found", "passed") and not self.problems


def judgement(scenario: Scenario, verdict: Mapping[str, Any], problems: Sequence[str] = ()) -> Judgement:
    """Compare a verdict, as `verdict.json` has it, with what is right; `problems` are those found elsewhere."""
    if scenario.healthy or scenario.kind != "error":
        return _passing(scenario, verdict, list(problems))
    return _failing(scenario, verdict, list(problems))


def checks(verdict: Mapping[str, Any], outcome: str) -> dict[str, str]:
    """Checks that came out so: short name, and what is said to be the reason."""
    return {c["name"].rpartition("::")[2]: c["reason"] for c in verdict["checks"] if c["outcome"] == outcome}


def findings(verdict: Mapping[str, Any]) -> dict[str, str]:
    """Severity of each finding by id, in order."""
    return {f["id"]: f["severity"] for f in verdict["findings"]}


def _failing(scenario: Scenario, verdict: Mapping[str, Any], problems: list[str]) -> Judgement:
    root, said, failed = verdict["root_cause"], findings(verdict), checks(verdict, "failed")
    if root != scenario.expect:
        result: Result = "missed" if root in (None, "unknown") else "wrong"
        return Judgement(result, (*problems, f"root cause {root}; findings {said}", *_unwell(verdict)))
    if verdict["verdict"] != "failed":
        problems.append(f"verdict {verdict['verdict']}")
    if extra := {i for i, severity in said.items() if severity != "info" and i not in {root, *scenario.also}}:
        problems.append(f"more than the root cause was said: {', '.join(sorted(extra))}")
    explained = {name.rpartition("::")[2] for f in verdict["findings"] for name in f["explains"]}
    if unexplained := set(failed) - explained:
        problems.append(f"failed without a cause: {', '.join(sorted(unexplained))}")
    bare = {name.partition("[")[0] for name in failed}
    if missing := set(scenario.failed) - bare - set(failed):
        problems.append(f"should have failed: {', '.join(sorted(missing))}; failed: {', '.join(sorted(bare))}")
    if not next(f for f in verdict["findings"] if f["id"] == root)["advice"]:
        problems.append("no advice")
    return Judgement("found", tuple(problems))


def _passing(scenario: Scenario, verdict: Mapping[str, Any], problems: list[str]) -> Judgement:
    said = findings(verdict)
    loud = {i for i, severity in said.items() if severity != "info"}
    told = said if scenario.kind == "info" else loud
    if scenario.expect and scenario.expect not in told:
        return Judgement("missed", (*problems, f"findings {said}", *_unwell(verdict)))
    if verdict["verdict"] != "passed" or loud - {scenario.expect, *scenario.also}:
        what = f"verdict {verdict['verdict']}, findings {said}"
        return Judgement("false alarm", (*problems, what, *_unwell(verdict)))
    return Judgement("passed" if scenario.healthy else "found", tuple(problems))


def _unwell(verdict: Mapping[str, Any]) -> tuple[str, ...]:
    unwell = {**checks(verdict, "failed"), **checks(verdict, "not_checked")}
    return tuple(f"{name}: {reason.splitlines()[0] if reason else ''}" for name, reason in unwell.items())[:5]
